import { type Address, networkAddress, volumeAddress } from '../model/address.ts';
import type { VolumeSpec } from '../model/container.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import { addressOf } from './draft.ts';
import { endSteps, removalsBy, removeNetworkStep, removeVolumeStep } from './end-steps.ts';
import { keepsForOthers } from './networks.ts';
import { sortSteps } from './order.ts';
import { member } from './record.ts';
import { volumesOf } from './remove.ts';
import { choose, withDependents } from './runs.ts';
import { addressOfVolume } from './volumes.ts';

export interface DownOptions {
  readonly removeVolumes: boolean;
  /** Absent: each service's own grace period. */
  readonly timeoutMs?: number;
  /** Only these services, with those that depend on them, and what nobody else uses; empty or absent: all. */
  readonly services?: readonly string[];
}

const CAUSE = 'the stack is taken down';

/** What removes everything of a stack, dependents first. Needs no stack file: the records know the dependencies. */
export function planDown(stack: string, observed: ObservedState, options: DownOptions): Plan {
  const { removeVolumes, timeoutMs, services = [] } = options;
  const { all, chosen, conflicts } = choose(observed, services);
  const containers = services.length === 0 ? all : withDependents(chosen, all);
  const going = (keys: (container: ObservedContainer) => readonly string[]): ((key: string) => boolean) => {
    if (containers.length === all.length) return () => true;
    const kept = new Set(all.filter((each) => !containers.includes(each)).flatMap(keys));
    const left = new Set(containers.flatMap(keys).filter((key) => !kept.has(key)));
    return (key) => left.has(key);
  };
  const emptied = going(networksOf);
  const unused = going(volumesOf);
  const endings = containers.map((each) => ({ observed: each, cause: CAUSE, keep: false, removeVolumes, timeoutMs }));
  const warnings: string[] = [];
  const networks = Object.values(observed.networks)
    .map(({ spec }) => spec)
    .filter((spec) => spec.stack === stack && emptied(spec.key))
    .filter(({ name }) => !keepsForOthers(name, observed, warnings))
    .sort((left, right) => (left.key < right.key ? -1 : 1));
  const users = observed.host.foreignVolumeUsers ?? {};
  const own = Object.values(removeVolumes ? observed.volumes : {}).filter(
    (volume) => volume.stack === stack && unused(volume.name),
  );
  const volumes = withAddresses(own.filter(({ name }) => member(users, name) === undefined));
  const onNetwork = removalsBy(containers, networksOf);
  const onVolume = removalsBy(containers, volumesOf);
  const addresses: readonly Address[] = [
    ...networks.map(({ key }) => networkAddress(key)),
    ...volumes.map(({ address }) => address),
    ...containers.map(({ spec }) => addressOf(spec)),
  ];
  return {
    stack,
    changes: addresses.map((address) => ({ address, action: 'remove', cause: CAUSE, fields: [] })),
    steps: sortSteps([
      ...endSteps(endings, all),
      ...networks.map((network) => removeNetworkStep(network, CAUSE, onNetwork.get(network.key) ?? [])),
      ...volumes.map((each) => removeVolumeStep(each, CAUSE, onVolume.get(each.volume.name) ?? [])),
    ]),
    conflicts,
    warnings: [
      ...warnings,
      ...own.flatMap(({ name }) => {
        const names = member(users, name);
        return names === undefined ? [] : `Volume "${name}" is kept: other stacks use it (${names.join(', ')}).`;
      }),
    ],
    orphans: [],
  };
}

/** Sorted. A key whose `name` was changed has an old volume too: then each goes by its name. */
function withAddresses(volumes: readonly VolumeSpec[]): readonly { address: Address; volume: VolumeSpec }[] {
  const byKey = Map.groupBy(volumes, addressOfVolume);
  return volumes
    .map((volume) => {
      const address = addressOfVolume(volume);
      return { address: byKey.get(address)?.length === 1 ? address : volumeAddress(volume.name), volume };
    })
    .sort((left, right) => (left.address < right.address ? -1 : 1));
}

function networksOf({ endpoints }: ObservedContainer): readonly string[] {
  return endpoints.map(({ network }) => network);
}
