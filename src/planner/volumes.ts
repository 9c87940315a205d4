import { type Address, volumeAddress } from '../model/address.ts';
import type { ContainerSpec, VolumeSpec } from '../model/container.ts';
import type { ObservedState } from '../model/observed.ts';
import type { Conflict, StepId } from '../model/plan.ts';
import type { Stack, Volume } from '../model/stack.ts';
import { diffVolume } from './diff.ts';
import { addressOf, type Draft } from './draft.ts';
import { isMadeAnew } from './drafts.ts';
import type { Findings } from './findings.ts';
import { member } from './record.ts';
import { stepId } from './step-id.ts';

/** A volume that is created, mounted again, or removed and made again with what was in it. */
export interface VolumeDraft {
  readonly address: Address;
  readonly volume: VolumeSpec;
  readonly action: 'create' | 'update' | 'replace';
  /** Steps that must be done before an old one is removed. */
  readonly after?: readonly StepId[];
  readonly cause: string;
}

/** Volumes to create and to mount again, by address. What is in one is never changed or removed by `up`. */
export function planVolumes(
  stack: Stack,
  containers: readonly ContainerSpec[],
  observed: ObservedState,
  findings: Findings,
): readonly VolumeDraft[] {
  const declared = new Map(Object.values(stack.volumes).map((volume) => [volume.name, volume]));
  const wanted = new Map<string, VolumeSpec | undefined>();
  for (const container of containers) {
    for (const mount of container.mounts) {
      if (mount.type !== 'volume' || mount.source === undefined || wanted.has(mount.source)) continue;
      const volume = declared.get(mount.source);
      wanted.set(
        mount.source,
        volume === undefined
          ? anonymousVolume(stack.name, mount.source)
          : checkVolume(volume, stack.name, member(observed.volumes, volume.name), findings),
      );
    }
  }
  const created = [...wanted.values()]
    .filter((volume) => volume !== undefined)
    .filter((volume) => member(observed.volumes, volume.name) === undefined)
    .map((volume) => ({
      address: addressOfVolume(volume),
      volume,
      action: 'create' as const,
      cause: 'not there yet',
    }));
  const mended = (observed.unmountedVolumes ?? []).flatMap((name) => {
    const volume = member(observed.volumes, name);
    if (volume === undefined || !wanted.has(name)) return [];
    const key = declared.get(name)?.key ?? volume.key;
    const address = addressOfVolume({ ...volume, key });
    return { address, volume, action: 'update' as const, cause: 'drift: not mounted' };
  });
  return [...created, ...mended].sort((left, right) => (left.address < right.address ? -1 : 1));
}

/**
 * `up -V`: anonymous volumes that are there, of containers that are made anew. One that another stack mounts by its name
 * stays as it is.
 */
export function renewVolumes(drafts: readonly Draft[], observed: ObservedState): readonly VolumeDraft[] {
  return drafts.filter(isMadeAnew).flatMap(({ spec }) =>
    spec.mounts.flatMap((mount): readonly VolumeDraft[] => {
      const volume = mount.type === 'volume' ? member(observed.volumes, mount.source ?? '') : undefined;
      if (volume === undefined || volume.key !== '' || volume.stack !== spec.key.stack) return [];
      if (member(observed.host.foreignVolumeUsers ?? {}, volume.name) !== undefined) return [];
      const after = [stepId('remove', addressOf(spec))];
      const cause = 'anonymous volumes are renewed';
      return [{ address: addressOfVolume(volume), volume, action: 'replace', cause, after }];
    }),
  );
}

/** By key; an anonymous volume by its name. */
export function addressOfVolume(volume: VolumeSpec): Address {
  return volumeAddress(volume.key === '' ? volume.name : volume.key);
}

function anonymousVolume(stack: string, name: string): VolumeSpec {
  return { stack, key: '', name, driver: 'local', driverOptions: {}, labels: {} };
}

function checkVolume(
  volume: Volume,
  stack: string,
  there: VolumeSpec | undefined,
  findings: Findings,
): VolumeSpec | undefined {
  if (volume.external) {
    if (there === undefined) findings.conflicts.push(missingExternal(volume));
    return undefined;
  }
  const wanted: VolumeSpec = {
    stack,
    key: volume.key,
    name: volume.name,
    driver: volume.driver,
    driverOptions: volume.driverOptions,
    labels: volume.labels,
  };
  if (there === undefined) return wanted;
  if (there.stack !== stack) {
    findings.warnings.push(
      `Volume "${volume.name}" belongs to stack "${there.stack}"; set volumes.${volume.key}.external to use it knowingly.`,
    );
  } else {
    const changed = diffVolume(there, wanted).map(({ field }) => field.replace('driverOptions', 'driver_opts'));
    if (changed.length > 0) findings.conflicts.push(changedDefinition(volume, changed));
  }
  return wanted;
}

function missingExternal(volume: Volume): Conflict {
  return {
    address: volumeAddress(volume.key),
    message: `External volume "${volume.name}" was not found`,
    hint: `Make it with "tsstack volume create ${volume.name}", bring up the stack that owns it, or remove volumes.${volume.key}.external to have it created.`,
  };
}

function changedDefinition(volume: Volume, fields: readonly string[]): Conflict {
  return {
    address: volumeAddress(volume.key),
    message: `Cannot change volume "${volume.name}": it was made with another ${fields.join(', ')}, and making it again would destroy its data`,
    hint: `Set volumes.${volume.key}.name to a new name, which leaves this one alone, or give up its data: "tsstack down", "tsstack volume rm ${volume.name}", then "tsstack up".`,
  };
}
