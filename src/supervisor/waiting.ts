import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerKey } from '../model/address.ts';
import type { WaitFor } from '../model/plan.ts';
import type { Changes } from './changes.ts';
import { type ConditionState, checkCondition, isSettled } from './condition.ts';

interface Watched {
  /** Something about some container changed. */
  readonly changes: Changes;
  /** undefined: there is no such container. */
  readonly stateOf: (key: ContainerKey) => ConditionState | undefined;
  /** Of the container in the place of that replica. */
  readonly replicaState: (key: ContainerKey) => ConditionState | undefined;
}

/** Waits for what becomes of containers. */
export class Waiting {
  readonly #watched: Watched;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Until the condition holds. Throws what says that it never will. */
  async waitFor(stack: string, condition: WaitFor, signal: AbortSignal): Promise<void> {
    const { changes, replicaState } = this.#watched;
    for (;;) {
      signal.throwIfAborted();
      if (checkCondition(condition, replicaState, stack)) return;
      await changes.next(signal);
    }
  }

  /** Until a container has been ready for so long. Throws what says that it is not going to be. */
  async settle(key: ContainerKey, monitorMs: number, signal: AbortSignal): Promise<void> {
    const { changes, stateOf } = this.#watched;
    let readySince: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      const ready = isSettled(key, stateOf(key));
      if (ready) readySince ??= performance.now();
      const left = readySince === undefined ? undefined : monitorMs - (performance.now() - readySince);
      if (left !== undefined && left <= 0) return;
      const timer = new AbortController();
      const changed = changes.next(AbortSignal.any([signal, timer.signal])).catch(() => undefined);
      await (left === undefined ? changed : Promise.race([changed, sleep(left, undefined, { signal: timer.signal })]));
      timer.abort();
    }
  }
}
