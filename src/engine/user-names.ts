import type { MachineContext } from '../executor/context.ts';
import { readRootFile, rootFilesystem } from '../image/image.ts';
import type { ContainerSpec } from '../model/container.ts';
import { containerPaths } from '../store/paths.ts';

/** What a terminal may be given of a file that the container wrote (useradd(8), and dots). */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/;

/**
 * Names of users, by their id on the host, as the container's own /etc/passwd has them; the id inside where that has none.
 * `pid`: its pid 1, which tells how ids are mapped. A file mounted over /etc/passwd is not seen.
 */
export async function userNames(
  machine: MachineContext,
  { key, image }: Pick<ContainerSpec, 'key' | 'image'>,
  pid: number,
): Promise<(uid: number) => string> {
  const { host, paths } = machine;
  // An image that has gone since tells no names; its processes are shown all the same.
  const rootfs = await rootFilesystem(machine, image.source, image.id).catch(() => undefined);
  const text = rootfs && readRootFile(host, rootfs, containerPaths(paths, key).layers, '/etc/passwd');
  const names = parsePasswd(text ?? '');
  const inside = parseUidMap(host.readText(`/proc/${pid}/uid_map`) ?? '');
  return (uid) => names.get(inside(uid)) ?? String(inside(uid));
}

/** Of several names of an id the first counts, as with getpwuid(3). */
export function parsePasswd(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (!NAME.test(name) || !/^[0-9]{1,10}$/.test(id) || names.has(Number(id))) continue;
    names.set(Number(id), name);
  }
  return names;
}

/** user_namespaces(7): lines of first id inside, first id outside, how many. Ids that are not mapped stay. */
export function parseUidMap(text: string): (uid: number) => number {
  const ranges = [...text.matchAll(/^\s*([0-9]+)\s+([0-9]+)\s+([0-9]+)$/gm)].map((match) => match.slice(1).map(Number));
  return (uid) => {
    const range = ranges.find(([, outside = 0, count = 0]) => uid >= outside && uid < outside + count);
    return range === undefined ? uid : uid - (range[1] ?? 0) + (range[0] ?? 0);
  };
}
