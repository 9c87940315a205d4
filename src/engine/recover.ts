import type { Host } from '../host/host.ts';
import { type ContainerKey, parseMachineName } from '../model/address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec, PublishedPort, VolumeSpec } from '../model/container.ts';
import type { Role } from '../model/update.ts';
import { containerFile, networkDirectory, runFile } from '../store/description.ts';
import type { Paths } from '../store/paths.ts';
import type { Records } from '../store/records.ts';

/**
 * Records what lies on the machine under our name and is not in the records: after they were lost, and after a plan's
 * script was run by hand. Descriptions are written by us into directories that only root can write to; a step records
 * first and describes then, and removes in the opposite order, so that nothing under way is taken for lost. Gives the
 * containers that were found.
 */
export function recoverRecords(host: Host, paths: Paths, records: Records, bootId: string): readonly ContainerKey[] {
  const found: ContainerKey[] = [];
  for (const stack of host.readDirectory(`${paths.state}/stacks`)) {
    for (const name of host.readDirectory(`${paths.state}/stacks/${stack}/containers`)) {
      const key = parseMachineName(`${stack}.${name}`);
      if (key === undefined || records.container(key) !== undefined) continue;
      if (recoverContainer(host, paths, records, { key, bootId })) found.push(key);
    }
    recoverNetworks(host, networkDirectory(paths, stack), records);
  }
  recoverNetworks(host, networkDirectory(paths, ''), records);
  for (const name of host.readDirectory(`${paths.state}/volumes`)) {
    if (records.volumes.get(name) !== undefined) continue;
    const volume = readJson<VolumeSpec>(host, `${paths.state}/volumes/${name}/volume.json`);
    if (volume !== undefined) records.volumes.put(volume);
  }
  return found;
}

function recoverNetworks(host: Host, directory: string, records: Records): void {
  for (const name of host.readDirectory(directory)) {
    const network = readJson<NetworkSpec>(host, `${directory}/${name}`);
    if (network !== undefined && records.networks.get(network.name) === undefined) records.networks.put(network);
  }
}

interface ContainerDescription {
  readonly spec: ContainerSpec;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  readonly role?: Role;
}

interface RunDescription {
  readonly run: number;
  readonly startedAtMs?: number;
  readonly bootId?: string;
  readonly logOffset?: number;
}

function recoverContainer(
  host: Host,
  paths: Paths,
  records: Records,
  { key, bootId }: { readonly key: ContainerKey; readonly bootId: string },
): boolean {
  const description = readJson<ContainerDescription>(host, containerFile(paths, key));
  if (description === undefined) return false;
  const run = readJson<RunDescription>(host, runFile(paths, key));
  records.containers.put({
    ...description,
    key,
    createdAtMs: host.stat(containerFile(paths, key))?.modifiedMs ?? 0,
    run: run?.run ?? 0,
    ...(run?.startedAtMs !== undefined && { startedAtMs: run.startedAtMs }),
    ...(run?.logOffset !== undefined && { logOffset: run.logOffset }),
    // A script that was run by hand knows no boot: it was this one, or /proc says that its processes are gone.
    bootId: run?.bootId ?? bootId,
    oomKilled: false,
    oomKillsBefore: 0,
    stoppedByUser: false,
    restarts: 0,
  });
  return true;
}

/** undefined for what is missing or is not JSON: a description that was cut short describes nothing. */
function readJson<Value>(host: Host, path: string): Value | undefined {
  const text = host.readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Value) : undefined;
  } catch {
    return undefined;
  }
}
