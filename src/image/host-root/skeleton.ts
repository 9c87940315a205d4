import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';

/** Directories of the Filesystem Hierarchy Standard 3.0 with the modes that Debian's base-files gives them. */
const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ['boot', 0o755],
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['media', 0o755],
  ['mnt', 0o755],
  ['opt', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['run/lock', 0o1777],
  ['srv', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['usr', 0o755],
  ['var', 0o755],
  ['var/backups', 0o755],
  ['var/cache', 0o755],
  ['var/lib', 0o755],
  ['var/local', 0o755],
  ['var/log', 0o755],
  ['var/mail', 0o755],
  ['var/opt', 0o755],
  ['var/spool', 0o755],
  ['var/tmp', 0o1777],
];

const LINKS: readonly (readonly [path: string, target: string])[] = [
  ['var/lock', '/run/lock'],
  ['var/run', '/run'],
];

/** Part of the fingerprint: a change of the tables above makes new skeletons. */
export const SKELETON_VERSION = JSON.stringify([DIRECTORIES, LINKS]);

/** Top-level links (`bin` → `usr/bin` with a merged /usr) and mount points of what is a directory of its own. */
export interface TopLevel {
  readonly links: readonly (readonly [path: string, target: string])[];
  readonly directories: readonly string[];
}

/** The empty tree of a Linux system below `root`, which must exist. */
export function makeSkeleton(root: string, top: TopLevel): void {
  chmodSync(root, 0o755);
  const extra = top.directories.map((path) => [path, 0o755] as const);
  for (const [path, mode] of [...DIRECTORIES, ...extra]) {
    mkdirSync(`${root}/${path}`, { recursive: true });
    chmodSync(`${root}/${path}`, mode);
  }
  for (const [path, target] of [...LINKS, ...top.links]) symlinkSync(target, `${root}/${path}`);
}
