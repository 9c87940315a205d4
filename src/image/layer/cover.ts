import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Host } from '../../host/host.ts';
import { raw } from './byte-fs.ts';
import { parseDump } from './setfattr.ts';

interface CoverPlace {
  readonly host: Host;
  /** A directory for files that go away again. */
  readonly staging: string;
}

/**
 * The extended attributes of directories of the layers below, by their real paths (byte strings); those that have any.
 * Overlayfs shows the attributes of the uppermost directory only, so a layer that merely passes through one (`etc/` of
 * `etc/new`, without an entry for it) would hide them. Throws `missing-tool`, `command-failed`.
 */
export async function readDirectoryXattrs(
  directories: readonly string[],
  { host, staging }: CoverPlace,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>> {
  if (directories.length === 0) return new Map();
  const [list, dump] = [`${staging}/covered`, `${staging}/covered-xattrs`];
  // An argument list of Node's cannot carry every name, a file can.
  writeFileSync(list, raw(directories.map((path) => `${path}\0`).join('')));
  await host.perform([{ op: 'run', argv: ['sh', '-c', READ, 'sh', list, dump], timeoutMs: 300_000 }]);
  const found = parseDump(readFileSync(dump, 'latin1'));
  for (const file of [list, dump]) rmSync(file);
  return found;
}

const READ = 'xargs -0 -a "$1" getfattr --no-dereference --dump --match=- --encoding=base64 --absolute-names -- > "$2"';
