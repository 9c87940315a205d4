import type { Address } from '../model/address.ts';
import type { RollingUpdate, Step } from '../model/plan.ts';

/** A rolling update more of whose replicas failed than may. */
export interface FailedUpdate {
  readonly update: RollingUpdate;
  readonly failures: readonly ReplicaFailure[];
}

export interface ReplicaFailure {
  readonly address: Address;
  readonly error: unknown;
}

/** The replica that a step is for. */
export function replicaOf({ replica, address }: Step): Address {
  return replica ?? address;
}

/** Counts failed replicas of a plan's rolling updates. Decides nothing that the plan does not say. */
export class RollingUpdates {
  readonly #updates: ReadonlyMap<string, RollingUpdate>;
  readonly #failures = new Map<string, ReplicaFailure[]>();

  constructor(updates: readonly RollingUpdate[]) {
    this.#updates = new Map(updates.map((update) => [update.service, update]));
  }

  /** Updates that went further wrong than they may. */
  get failed(): readonly FailedUpdate[] {
    return this.#list().filter(({ update, failures }) => failures.length > update.allowedFailures);
  }

  /** Failures that were few enough. */
  get tolerated(): readonly ReplicaFailure[] {
    return this.#list().flatMap(({ update, failures }) => (failures.length > update.allowedFailures ? [] : failures));
  }

  get any(): boolean {
    return this.#failures.size > 0;
  }

  /** A step of a replica has failed. Gives the update that it belongs to. */
  add(step: Step, error: unknown): RollingUpdate | undefined {
    const service = step.update ?? '';
    const failures = this.#failures.get(service) ?? [];
    this.#failures.set(service, [...failures, { address: replicaOf(step), error }]);
    return this.#updates.get(service);
  }

  /** Whether a step is of a replica that has failed: it is passed over. */
  skips(step: Step): boolean {
    const { update } = step;
    const failures = update === undefined ? [] : (this.#failures.get(update) ?? []);
    return failures.some(({ address }) => address === replicaOf(step));
  }

  /** Whether the update goes no further. */
  halted(service: string | undefined): boolean {
    return this.failed.some(({ update }) => update.service === service && update.policy.failureAction !== 'continue');
  }

  /**
   * Whether a step may begin although one before it was not done: those of the same update, which goes on with other
   * replicas, and containers that wait for the service, unless the update goes no further.
   */
  releases(failed: Step, dependent: Step): boolean {
    if (dependent.update === failed.update) return true;
    return dependent.type === 'start-container' && !this.halted(failed.update);
  }

  #list(): readonly FailedUpdate[] {
    return [...this.#failures].flatMap(([service, failures]) => {
      const update = this.#updates.get(service);
      return update === undefined ? [] : { update, failures };
    });
  }
}
