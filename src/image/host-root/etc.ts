import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isSecret } from './secrets.ts';

/** The runtime binds its own files over these; here they are only mount points, and the host may rewrite them freely. */
const OWN_FILES = ['hostname', 'hosts', 'mtab', 'resolv.conf'];

/** Empty on purpose: systemd's machine-id(5) takes an empty file as "not initialised". */
const EMPTY_FILES = [...OWN_FILES, 'machine-id'];

interface EtcEntry {
  /** Below /etc, without a leading slash. */
  readonly path: string;
  readonly stats: Stats;
}

/** Everything below `directory` that containers may see, parents first, names sorted. Never crosses a link. */
export function listEtc(directory: string): readonly EtcEntry[] {
  const found: EtcEntry[] = [];
  const visit = (below: string): void => {
    for (const name of readdirSync(`${directory}/${below}`).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const stats = lstatSync(`${directory}/${path}`, { throwIfNoEntry: false });
      if (stats === undefined || OWN_FILES.includes(path) || isSecret(path, stats)) continue;
      found.push({ path, stats });
      if (stats.isDirectory()) visit(path);
    }
  };
  visit('');
  return found;
}

/** Changes with every file that was added, removed or touched: the kernel sets ctime, nobody can set it back. */
export function fingerprint(entries: readonly EtcEntry[], salt: string): string {
  const hash = createHash('sha256').update(salt);
  for (const { path, stats } of entries) {
    hash.update(`${path}\0${stats.mode} ${stats.uid} ${stats.gid} ${stats.size} ${stats.ino} ${stats.ctimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * Copies what `listEtc` found. A copy and not an overlay over the live directory: a secret that the host gains later
 * never becomes visible, and overlayfs leaves lower directories that change undefined.
 */
export function copyEtc(from: string, entries: readonly EtcEntry[], to: string): void {
  const copied = entries.filter(({ path, stats }) => copyEntry(`${from}/${path}`, `${to}/${path}`, stats));
  for (const name of EMPTY_FILES) writeFileSync(`${to}/${name}`, '', { mode: 0o644 });
  for (const { path, stats } of copied.reverse()) lutimesSync(`${to}/${path}`, stats.atime, stats.mtime);
}

/** false: it has gone since it was listed, with its parent perhaps. */
function copyEntry(from: string, to: string, stats: Stats): boolean {
  try {
    if (stats.isDirectory()) mkdirSync(to);
    else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to);
    else copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  lchownSync(to, stats.uid, stats.gid);
  if (!stats.isSymbolicLink()) chmodSync(to, stats.mode & 0o7777);
  return true;
}
