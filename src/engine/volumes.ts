import { machineName } from '../model/address.ts';
import type { VolumeSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { VolumeSummary, VolumeUser } from '../model/volume.ts';
import { observeContainer } from '../observe/container.ts';
import { volumeData, volumeDirectory } from '../store/paths.ts';
import { hasMount, isVolumeMounted, mountVolume, unmountVolume } from '../volume/mount.ts';
import { createVolume, exportArguments, importArguments, removeVolume } from '../volume/volume.ts';
import { diskUsage } from './disk-usage.ts';
import type { Engine } from './engine.ts';

/** Volumes sorted by name. `stack`: those that it made, and those of others that its containers use. */
export function listVolumes(engine: Engine, stack?: string): readonly VolumeSummary[] {
  const users = usersByVolume(engine);
  return engine.machine.records.volumes
    .all()
    .map((volume) => summaryOf(engine, volume, users.get(volume.name) ?? []))
    .filter((volume) => stack === undefined || volume.stack === stack || isUsedBy(volume, stack));
}

/** One volume with what its content takes on the disk, in bytes. Throws `not-found`. */
export async function inspectVolume(
  engine: Engine,
  name: string,
): Promise<VolumeSummary & { readonly sizeBytes?: number }> {
  const volume = requireVolume(engine, name);
  const sizeBytes = await diskUsage(engine.machine.host, [volume.mountpoint]);
  return { ...volume, ...(sizeBytes !== undefined && { sizeBytes }) };
}

/** Makes a volume of no stack, which stacks use as an external one. Throws `conflict` where there is one of this name. */
export async function makeVolume(
  engine: Engine,
  volume: Pick<VolumeSpec, 'name' | 'labels' | 'driverOptions'>,
): Promise<VolumeSummary> {
  const { host, paths, records } = engine.machine;
  checkVolumeName(volume.name);
  return engine.planning.run('plan', async () => {
    if (records.volumes.get(volume.name) !== undefined) {
      throw new TsstackError('conflict', `There is a volume "${volume.name}" already`, {
        hint: `Look at it with "tsstack volume inspect ${volume.name}", or choose another name`,
      });
    }
    const spec: VolumeSpec = { stack: '', key: '', driver: 'local', ...volume };
    await host.perform(createVolume(paths, spec));
    records.volumes.put(spec);
    return summaryOf(engine, spec, []);
  });
}

/**
 * Removes a volume with what is in it. Throws `not-found`, and `conflict`, naming the containers, while there is one
 * that mounts it, be it stopped.
 */
export async function deleteVolume(engine: Engine, name: string): Promise<void> {
  const { stack } = requireVolume(engine, name);
  const { host, paths, records } = engine.machine;
  // Neither a change to its stack nor a plan of another one sees it half gone.
  await engine.stacks.run(stack, () =>
    engine.planning.run('plan', async () => {
      const volume = requireVolume(engine, name);
      const { users } = volume;
      if (users.length > 0) {
        throw new TsstackError('conflict', `Volume "${name}" is in use by ${userNames(users)}`, {
          hint: `Take the containers down first: ${downCommands(users)}`,
        });
      }
      await host.perform(removeVolume(paths, volume));
      records.volumes.delete(name);
    }),
  );
}

/** Unmounts the volumes of `driver_opts` that no container has any more; the next that uses one mounts it again. */
export async function unmountUnused(engine: Engine): Promise<void> {
  const { host, paths, records } = engine.machine;
  const users = usersByVolume(engine);
  const unused = records.volumes
    .all()
    .filter((volume) => hasMount(volume) && !users.has(volume.name) && isVolumeMounted(host, paths, volume.name));
  await host.perform(unused.flatMap((volume) => unmountVolume(paths, volume)));
}

/**
 * The command by which the client writes a volume to its standard output, or reads it from its standard input, as a tar
 * archive. Throws `not-found`, and `conflict` for an import into what running containers have open: they could put
 * links in its way.
 */
export async function transferVolume(
  engine: Engine,
  name: string,
  direction: 'export' | 'import',
): Promise<readonly string[]> {
  const volume = requireVolume(engine, name);
  const { host, paths } = engine.machine;
  const { users } = volume;
  if (direction === 'export') {
    await host.perform(mountVolume(paths, volume));
    return exportArguments(paths, name);
  }
  const running = users.filter((user) => user.running);
  if (running.length > 0) {
    throw new TsstackError('conflict', `Cannot import into volume "${name}" while ${userNames(running)} runs`, {
      hint: `Stop it first: ${[...new Set(running.map(({ stack }) => `tsstack -p ${stack} stop`))].join('; ')}`,
    });
  }
  await host.perform(mountVolume(paths, volume));
  return importArguments(paths, name);
}

function requireVolume(engine: Engine, name: string): VolumeSummary {
  const volume = engine.machine.records.volumes.get(name);
  if (volume !== undefined) return summaryOf(engine, volume, usersByVolume(engine).get(name) ?? []);
  throw new TsstackError('not-found', `There is no volume "${name}"`, {
    hint: 'See those there are: tsstack volume ls',
  });
}

/** The name becomes a directory. */
function checkVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
  throw new TsstackError(
    'usage',
    `"${name}" is no name of a volume: it holds letters, digits, "_", "." and "-", and begins with a letter or digit`,
  );
}

function isUsedBy({ users }: VolumeSummary, stack: string): boolean {
  return users.some((user) => user.stack === stack);
}

function summaryOf(engine: Engine, volume: VolumeSpec, users: readonly VolumeUser[]): VolumeSummary {
  const { host, paths } = engine.machine;
  const { name, stack, key, driver, driverOptions, labels } = volume;
  const createdAtMs = host.stat(`${volumeDirectory(paths, name)}/volume.json`)?.modifiedMs;
  return {
    name,
    stack,
    key,
    anonymous: stack !== '' && key === '',
    driver,
    driverOptions,
    labels,
    mountpoint: volumeData(paths, name),
    ...(createdAtMs !== undefined && { createdAtMs: Math.round(createdAtMs) }),
    users,
  };
}

function usersByVolume(engine: Engine): ReadonlyMap<string, readonly VolumeUser[]> {
  const users = new Map<string, VolumeUser[]>();
  for (const record of engine.machine.records.containers.all()) {
    const { key, spec } = record;
    for (const mount of spec.mounts) {
      if (mount.type !== 'volume' || mount.source === undefined) continue;
      const { status } = observeContainer(engine.observer, record);
      const running = status === 'running' || status === 'paused';
      const { target, readOnly } = mount;
      users.set(mount.source, [
        ...(users.get(mount.source) ?? []),
        { ...key, name: spec.name, target, readOnly, running },
      ]);
    }
  }
  return users;
}

function userNames(users: readonly VolumeUser[]): string {
  return [...new Set(users.map((user) => machineName(user)))].join(', ');
}

function downCommands(users: readonly VolumeUser[]): string {
  return [...new Set(users.map(({ stack }) => `tsstack -p ${stack} down`))].join('; ');
}
