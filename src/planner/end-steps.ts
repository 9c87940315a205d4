import { type Address, networkAddress } from '../model/address.ts';
import type { NetworkSpec, VolumeSpec } from '../model/container.ts';
import type { ObservedContainer } from '../model/observed.ts';
import type { Step, StepId } from '../model/plan.ts';
import { dependencyGraph } from './dependencies.ts';
import { addressOf, endId, isUp, observedKey } from './draft.ts';
import { namespaceOwners } from './drafts.ts';
import { anchors, reversed } from './order.ts';
import { stepId } from './step-id.ts';
import { addressOfVolume } from './volumes.ts';

/** A container that is stopped, and removed unless `keep`. */
export interface Ending {
  readonly observed: ObservedContainer;
  readonly cause: string;
  readonly keep: boolean;
  /** Its anonymous volumes go with it. */
  readonly removeVolumes: boolean;
  /** Absent: its own grace period. */
  readonly timeoutMs?: number | undefined;
  /** Steps that must have worked before anything is stopped. */
  readonly after?: readonly StepId[];
  /** Service of the rolling update that it is part of: what the service depends on does not wait for it. */
  readonly update?: string;
}

/**
 * Stops dependents before what they depend on, across services that aren't stopped, and removes what has stopped. The
 * order comes from the records of `all` containers, so it needs no stack file.
 */
export function endSteps(endings: readonly Ending[], all: readonly ObservedContainer[]): readonly Step[] {
  const stops = new Map<string, StepId[]>();
  for (const { observed, update } of endings) {
    if (!isUp(observed) || update !== undefined) continue;
    const { service } = observed.spec.key;
    stops.set(service, [...(stops.get(service) ?? []), endId('stop', observed)]);
  }
  if (endings.length === 0) return [];
  const dependents = reversed(dependencyGraph(all.map(({ spec }) => spec)));
  const waits = anchors(dependents, (service) => stops.get(service) ?? []);
  const sharers = sharersOf(endings);
  return [
    ...endings.flatMap((ending) => stopStep(ending, waits.get(ending.observed.spec.key.service) ?? [])),
    ...endings.filter(({ keep }) => !keep).map((ending) => removeStep(ending, sharers)),
  ];
}

/** Removing a network waits for `emptied`: the steps by which its containers leave. */
export function removeNetworkStep(network: NetworkSpec, cause: string, emptied: readonly StepId[]): Step {
  const address = networkAddress(network.key);
  return { type: 'remove-network', id: stepId('remove', address), address, cause, dependsOn: emptied, network };
}

/** By what `namesOf` says of a container: the steps that remove such containers. */
export function removalsBy(
  containers: readonly ObservedContainer[],
  namesOf: (container: ObservedContainer) => readonly string[],
): ReadonlyMap<string, readonly StepId[]> {
  const removals = new Map<string, StepId[]>();
  for (const container of containers) {
    for (const name of namesOf(container)) {
      const steps = removals.get(name) ?? [];
      steps.push(endId('remove', container));
      removals.set(name, steps);
    }
  }
  return removals;
}

/** Removing a volume waits for `emptied`: the steps by which the containers go that use it. */
export function removeVolumeStep(
  { volume, address = addressOfVolume(volume) }: { readonly volume: VolumeSpec; readonly address?: Address },
  cause: string,
  emptied: readonly StepId[],
): Step {
  return { type: 'remove-volume', id: stepId('remove', address), address, cause, dependsOn: emptied, volume };
}

function stopStep(ending: Ending, dependents: readonly StepId[]): readonly Step[] {
  const { observed, cause, timeoutMs, after = [], update } = ending;
  if (!isUp(observed)) return [];
  const { spec } = observed;
  const address = addressOf(spec);
  const dependsOn = [...dependents, ...after];
  return [
    {
      type: 'stop-container',
      id: endId('stop', observed),
      address,
      cause,
      dependsOn,
      ...(update !== undefined && { update }),
      spec,
      timeoutMs: timeoutMs ?? spec.stopGracePeriodMs,
    },
  ];
}

/** By container: the steps that remove those in its namespaces. */
function sharersOf(endings: readonly Ending[]): ReadonlyMap<string, readonly StepId[]> {
  const sharers = new Map<string, StepId[]>();
  for (const { observed, keep } of endings) {
    if (keep) continue;
    for (const { key } of namespaceOwners(observed.spec)) {
      sharers.set(key, [...(sharers.get(key) ?? []), endId('remove', observed)]);
    }
  }
  return sharers;
}

function removeStep(ending: Ending, sharers: ReadonlyMap<string, readonly StepId[]>): Step {
  const { spec, endpoints, ports } = ending.observed;
  const address = addressOf(spec);
  return {
    type: 'remove-container',
    id: endId('remove', ending.observed),
    address,
    cause: ending.cause,
    ...(ending.update !== undefined && { update: ending.update }),
    dependsOn: [
      endId('stop', ending.observed),
      ...(ending.after ?? []),
      ...(sharers.get(observedKey(spec)) ?? []),
      ...(sharers.get(`name ${spec.name}`) ?? []),
    ],
    spec,
    endpoints,
    ports,
    keepVolumes: !ending.removeVolumes,
  };
}
