import { closeSync, readlinkSync } from 'node:fs';
import { TsstackError } from '../model/error.ts';
import { at, errorCode, MAX_DEPTH, openAgain, openDirectory, tooDeep } from './descriptors.ts';

/** Like the kernel's limit on links in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/** Where a path leads: a name in an open directory, or that directory itself. */
export interface Place {
  /** Open; the caller closes it. */
  readonly directory: number;
  /** A byte string. Absent: the directory is meant. There may be nothing of this name. */
  readonly name?: string;
}

/**
 * Follows a path (a byte string) below the open directory `root` as a process would for which that is `/`: links, `..`
 * and absolute targets stay below it. Every component is opened from the directory before it and is no link; a link is
 * read as text and followed here. So there is nothing between looking and using: whoever swaps a directory for a link
 * meanwhile leads us somewhere below the same root, or into an error. `follow`: also a link at the end.
 */
export function findPlace(root: number, path: string, follow: boolean): Place {
  const pending = path.split('/');
  const walk = new Walk(root);
  let links = 0;
  try {
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        walk.up();
        continue;
      }
      const last = pending.every((each) => each === '');
      const link = last && pending.length === 0 && !follow ? undefined : readLink(walk.top, name);
      if (link === undefined && last) return { directory: walk.take(), name };
      if (link === undefined) {
        walk.down(name);
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) throw new TsstackError('conflict', 'Too many links, one after the other');
      if (link.startsWith('/')) walk.close();
      pending.unshift(...link.split('/'));
    }
    return { directory: walk.take() };
  } finally {
    walk.close();
  }
}

/** Where a link leads, as it is written; undefined for what is no link, or not there. */
function readLink(directory: number, name: string): string | undefined {
  try {
    return readlinkSync(at(directory, name), 'buffer').toString('latin1');
  } catch (error) {
    if (errorCode(error) === 'EINVAL' || errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The open directories from the root to where a walk is. */
class Walk {
  readonly #root: number;
  #below: number[] = [];

  constructor(root: number) {
    this.#root = root;
  }

  get top(): number {
    return this.#below.at(-1) ?? this.#root;
  }

  down(name: string): void {
    if (this.#below.length >= MAX_DEPTH) throw tooDeep();
    this.#below.push(openDirectory(this.top, name));
  }

  up(): void {
    const left = this.#below.pop();
    if (left !== undefined) closeSync(left);
  }

  /** The directory where it is, which is then the caller's to close. */
  take(): number {
    return this.#below.pop() ?? openAgain(this.#root);
  }

  /** Back to the root. Can be called twice. */
  close(): void {
    for (const directory of this.#below) closeSync(directory);
    this.#below = [];
  }
}
