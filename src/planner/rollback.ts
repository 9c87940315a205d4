import type { ContainerSpec } from '../model/container.ts';
import type { ObservedState } from '../model/observed.ts';
import type { Conflict, Plan, RollingUpdate } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { addressOf, observedKey } from './draft.ts';
import { planUp, type UpOptions } from './plan.ts';
import { member } from './record.ts';

interface RollbackOptions extends Pick<UpOptions, 'imageKey'> {
  /** The failed updates. */
  readonly updates: readonly RollingUpdate[];
}

/** Makes the replicas that a failed rolling update has replaced what they were before, as `rollback_config` says. */
export function planRollback(stack: Stack, observed: ObservedState, { updates, imageKey }: RollbackOptions): Plan {
  const before = updates.flatMap((update) => update.before);
  const services = { ...stack.services };
  for (const { service: name, rollback } of updates) {
    const service = member(stack.services, name);
    if (service !== undefined) services[name] = { ...service, update: rollback, rollback };
  }
  const plan = planUp({ ...stack, services }, observed, {
    services: updates.map(({ service }) => service),
    noDeps: true,
    forceRecreate: false,
    removeOrphans: false,
    imageKey,
    instead: new Map(before.map((spec) => [observedKey(spec), spec])),
  });
  const lost = before.flatMap((spec) => lostNetworks(spec, stack));
  return lost.length === 0 ? plan : { ...plan, steps: [], conflicts: [...plan.conflicts, ...lost] };
}

function lostNetworks(spec: ContainerSpec, { networks }: Stack): readonly Conflict[] {
  return Object.keys(spec.networks).flatMap((key) =>
    member(networks, key) !== undefined
      ? []
      : {
          address: addressOf(spec),
          message: `Cannot roll back ${addressOf(spec)}: network "${key}" is no longer declared`,
        },
  );
}
