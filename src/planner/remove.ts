import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import { addressOf, isUp } from './draft.ts';
import { endSteps, removalsBy, removeVolumeStep } from './end-steps.ts';
import { choose, runPlan } from './runs.ts';
import { addressOfVolume } from './volumes.ts';

export interface RemoveOptions {
  /** Empty: all. */
  readonly services: readonly string[];
  /** Also those that run: they are stopped first. */
  readonly stop: boolean;
  /** With their anonymous volumes, unless another container uses them. */
  readonly removeVolumes: boolean;
}

const CAUSE = 'removed by the user';

/** Remove containers that do not run; networks and named volumes stay. */
export function planRemove(stack: string, observed: ObservedState, options: RemoveOptions): Plan {
  const { all, chosen, conflicts } = choose(observed, options.services);
  const { services, stop, removeVolumes } = options;
  const ended = all.filter((each) => each.spec.oneOff !== undefined && !isUp(each) && isAbout(each, services));
  const removed = [...new Set([...chosen.filter((each) => stop || !isUp(each)), ...ended])];
  const endings = removed.map((each) => ({ observed: each, cause: CAUSE, keep: false, removeVolumes }));
  const emptied = removalsBy(removed, volumesOf);
  const kept = new Set(all.filter((each) => !removed.includes(each)).flatMap(volumesOf));
  const volumes = Object.values(removeVolumes ? observed.volumes : {}).filter(
    ({ stack: owner, key, name }) => owner === stack && key === '' && emptied.has(name) && !kept.has(name),
  );
  const addresses = [...removed.map(({ spec }) => addressOf(spec)), ...volumes.map(addressOfVolume)];
  return runPlan(stack, conflicts, {
    changes: addresses.map((address) => ({ address, action: 'remove', cause: CAUSE, fields: [] })),
    steps: [
      ...endSteps(endings, all),
      ...volumes.map((volume) => removeVolumeStep({ volume }, CAUSE, emptied.get(volume.name) ?? [])),
    ],
  });
}

/** A one-off that has ended goes with the containers of its service. */
function isAbout({ spec: { oneOff } }: ObservedContainer, services: readonly string[]): boolean {
  return services.length === 0 || services.includes(oneOff?.service ?? '');
}

/** Real names of the volumes that a container has. */
export function volumesOf({ spec }: ObservedContainer): readonly string[] {
  return spec.mounts.flatMap((mount) => (mount.type === 'volume' ? (mount.source ?? []) : []));
}
