import { chmodSync, lutimesSync } from 'node:fs';
import { printable } from '../../image/errors.ts';
import { byteString, lstatBytes, raw, readDirectoryBytes } from '../../image/layer/byte-fs.ts';
import { machineLimits } from '../../image/limits-file.ts';
import { TsstackError } from '../../model/error.ts';

/** A commit of another repository that belongs at a path of this one. */
export interface GitLink {
  /** A byte string. */
  readonly path: string;
  readonly commit: string;
}

/** Reads `git ls-tree -r -z -l` as it comes: bounds what a check-out would write, and finds the submodules. */
export class TreeListing {
  readonly links: GitLink[] = [];
  /** Mode of `.gitmodules`; absent: there is none. */
  modulesMode: string | undefined;
  #rest = '';
  #entries = 0;
  #bytes = 0;

  /** Throws `build-failed` when there is more than an image may have. */
  add(chunk: Buffer): void {
    const parts = (this.#rest + chunk.toString('latin1')).split('\0');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#entry(part);
  }

  #entry(text: string): void {
    const [, mode, hash = '', size, path = ''] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(text) ?? [];
    this.#entries += 1;
    this.#bytes += Number(size === '-' ? 0 : (size ?? 0));
    const { entries, unpackedBytes } = machineLimits();
    if (this.#entries > entries || this.#bytes > unpackedBytes) {
      throw new TsstackError('build-failed', `The git tree has more than ${entries} files or ${unpackedBytes} bytes`);
    }
    if (mode === '160000') this.links.push({ path, commit: hash });
    if (path === '.gitmodules') this.modulesMode = mode;
  }
}

/**
 * A directory of a tree, with no link on the way to it. `path`: as written, a slash in front counts for nothing. Throws
 * `build-failed`.
 */
export function plainDirectory(tree: string, path: string): string {
  return Buffer.from(plainDirectoryBytes(byteString(tree), byteString(path)), 'latin1').toString();
}

/** The same of byte strings. */
export function plainDirectoryBytes(tree: string, path: string): string {
  let at = tree;
  for (const name of path.split('/').filter((each) => each !== '' && each !== '.')) {
    at = `${at}/${name}`;
    const unfit = name === '..' || name.toLowerCase() === '.git' || name.includes('\0');
    if (!unfit && lstatBytes(at)?.isDirectory() === true) continue;
    throw new TsstackError('build-failed', `The git repository has no directory ${printable(path)}`, {
      hint: 'Name a directory of it as it stands, without links and "..".',
    });
  }
  return at;
}

/** Modes and times that depend on the commit alone, not on the umask and the hour. */
export function settleTree(tree: string, seconds: number): void {
  const pending = [byteString(tree)];
  const directories: string[] = [];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    directories.push(at);
    for (const name of readDirectoryBytes(at)) {
      const path = `${at}/${name}`;
      const stats = lstatBytes(path);
      if (stats?.isDirectory() === true) pending.push(path);
      else {
        if (stats?.isFile() === true) chmodSync(raw(path), (stats.mode & 0o100) === 0 ? 0o644 : 0o755);
        lutimesSync(raw(path), seconds, seconds);
      }
    }
  }
  for (const directory of directories) {
    chmodSync(raw(directory), 0o755);
    lutimesSync(raw(directory), seconds, seconds);
  }
}
