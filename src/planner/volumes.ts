import { type Address, volumeAddress } from '../model/address.ts';
import type { ContainerSpec, VolumeSpec } from '../model/container.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Conflict, StepId } from '../model/plan.ts';
import type { Stack, Volume } from '../model/stack.ts';
import { costsData, diffVolume } from './diff.ts';
import { addressOf, type Draft, endId, type Removal } from './draft.ts';
import { isMadeAnew } from './drafts.ts';
import type { Findings } from './findings.ts';
import { mountedOf } from './mounts.ts';
import { member } from './record.ts';
import { stepId } from './step-id.ts';

/** A volume that is created, mounted again, or removed and made again with what was in it. */
export interface VolumeDraft {
  readonly address: Address;
  readonly volume: VolumeSpec;
  /** As it is; absent: as it will be. */
  readonly before?: VolumeSpec;
  readonly action: 'create' | 'update' | 'replace';
  /** Steps that must be done before an old one is removed. */
  readonly after?: readonly StepId[];
  readonly cause: string;
}

interface VolumesRequest {
  readonly stack: Stack;
  readonly containers: readonly ContainerSpec[];
  /** Those that no container mounts, too. */
  readonly unused: boolean;
  /** The user agrees to lose what is in volumes whose definition has changed. */
  readonly recreate: boolean;
  /** Containers of the stack that stay. */
  readonly bystanders: readonly ObservedContainer[];
  readonly observed: ObservedState;
  readonly findings: Findings;
}

/**
 * Volumes to create, to change and to mount again, by address. What is in one is removed by no `up` that was not told to;
 * `lossy` are the names of those for which that would have to be.
 */
export function planVolumes(request: VolumesRequest): {
  readonly volumes: readonly VolumeDraft[];
  readonly lossy: readonly string[];
} {
  const { stack, containers, observed } = request;
  const declared = new Map(Object.values(stack.volumes).map((volume) => [volume.name, volume]));
  const wanted = new Map<string, VolumeSpec | undefined>();
  for (const container of containers) {
    for (const mount of container.mounts) {
      if (mount.type !== 'volume' || mount.source === undefined || wanted.has(mount.source)) continue;
      const volume = declared.get(mount.source);
      wanted.set(
        mount.source,
        volume === undefined ? anonymousVolume(stack.name, mount.source) : checkVolume(volume, request),
      );
    }
  }
  for (const volume of request.unused ? declared.values() : []) {
    if (!wanted.has(volume.name)) wanted.set(volume.name, checkVolume(volume, request));
  }
  const changes = [...wanted.values()].map((volume) => volume && changeOf(volume, request));
  const changed = changes.flatMap((change) => change?.draft ?? []);
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
    if (volume === undefined || !wanted.has(name) || changed.some((draft) => draft.volume.name === name)) return [];
    const key = declared.get(name)?.key ?? volume.key;
    const address = addressOfVolume({ ...volume, key });
    return { address, volume, action: 'update' as const, cause: 'drift: not mounted' };
  });
  return {
    volumes: [...created, ...changed, ...mended].sort((left, right) => (left.address < right.address ? -1 : 1)),
    lossy: changes.flatMap((change) => change?.lossy ?? []),
  };
}

/** Volumes that are made again go when every container that mounts them has gone. */
export function afterContainers(
  volumes: readonly VolumeDraft[],
  { drafts, removals }: { readonly drafts: readonly Draft[]; readonly removals: readonly Removal[] },
): readonly VolumeDraft[] {
  const leaving = [...removals, ...drafts].flatMap(({ observed }) => observed ?? []);
  return volumes.map((draft) => {
    if (draft.action !== 'replace') return draft;
    const users = leaving.filter(({ spec }) => mountedOf(spec, new Set([draft.volume.name])) !== undefined);
    return { ...draft, after: users.map((user) => endId('remove', user)) };
  });
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

/** What becomes of a volume of this stack that is there and declared otherwise now. */
function changeOf(
  wanted: VolumeSpec,
  request: VolumesRequest,
): { readonly draft?: VolumeDraft; readonly lossy?: string } | undefined {
  const { observed, findings, recreate } = request;
  const there = member(observed.volumes, wanted.name);
  if (there === undefined || there.stack !== wanted.stack || wanted.key === '') return undefined;
  const fields = diffVolume(there, wanted);
  const address = addressOfVolume(wanted);
  const costly = fields.filter(costsData);
  const names = [...new Set(costly.map(({ field }) => field.replace('driverOptions', 'driver_opts')))];
  if (costly.length === 0) {
    if (fields.length === 0) return undefined;
    return { draft: { address, volume: wanted, before: there, action: 'update', cause: 'its labels have changed' } };
  }
  const holder = holderOf(wanted, request);
  if (holder !== undefined || !recreate) {
    findings.conflicts.push(changedDefinition(wanted, names, holder));
    return holder === undefined ? { lossy: wanted.name } : {};
  }
  const cause = `made again without its data, as ${names.join(', ')} changed`;
  return { draft: { address, volume: wanted, before: there, action: 'replace', cause } };
}

/** Who keeps a volume from being removed: a container that stays, or one of another stack. */
function holderOf({ name }: VolumeSpec, { bystanders, observed }: VolumesRequest): string | undefined {
  const own = bystanders.find(({ spec }) => mountedOf(spec, new Set([name])) !== undefined)?.spec.name;
  return own ?? member(observed.host.foreignVolumeUsers ?? {}, name)?.[0];
}

function checkVolume(
  volume: Volume,
  { stack: { name: stack }, observed, findings }: VolumesRequest,
): VolumeSpec | undefined {
  const there = member(observed.volumes, volume.name);
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

function changedDefinition(volume: VolumeSpec, fields: readonly string[], holder: string | undefined): Conflict {
  return {
    address: volumeAddress(volume.key),
    message: `Cannot change volume "${volume.name}": it was made with another ${fields.join(', ')}, and making it again would destroy its data`,
    hint: `Set volumes.${volume.key}.name to a new name, which leaves this one alone, or give up its data: ${holder === undefined ? '"tsstack up --yes"' : `remove container "${holder}", which mounts it, then "tsstack up --yes"`}.`,
  };
}
