import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { byteString, raw } from '../../image/layer/byte-fs.ts';
import { TsstackError } from '../../model/error.ts';
import { hashContent } from './hash-content.ts';
import type { ParentMatches, PatternMatcher } from './ignore.ts';
import { joinPath, parentPath, pathText, type ReadableTree, shownPath, type TreeEntry } from './tree.ts';

const CHUNK = 1 << 18;
/** Entries whose state is remembered; beyond it the disk is asked again. */
const MAX_KNOWN = 1_000_000;
/** Missing, or no way to it. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

export interface ContextOptions {
  /** What is left out. */
  readonly ignore?: PatternMatcher;
  /** Everything is root's: of a build context, whose owners mean nothing in an image. */
  readonly asRoot: boolean;
}

/**
 * A directory as a tree of files, read as far as it is asked about. No link is followed, so nothing outside is ever
 * seen; a directory that is swapped for a link meanwhile is found out when something in it is opened.
 */
export class DirectoryTree implements ReadableTree {
  readonly #root: string;
  readonly #options: ContextOptions;
  readonly #known = new Map<string, TreeEntry | undefined>();
  readonly #matches = new Map<string, { readonly matches: boolean; readonly each: ParentMatches }>();
  readonly #hashes = new Map<string, Promise<string>>();

  /** Throws `build-failed` when there is no such directory. */
  constructor(root: string, options: ContextOptions) {
    try {
      this.#root = byteString(realpathSync(root));
    } catch (error) {
      throw new TsstackError('build-failed', `There is no directory ${JSON.stringify(root)} to build from`, {
        cause: error,
      });
    }
    this.#options = options;
  }

  entry(path: string): TreeEntry | undefined {
    if (this.#known.has(path)) return this.#known.get(path);
    const entry = this.#look(path);
    if (this.#known.size < MAX_KNOWN) this.#known.set(path, entry);
    return entry;
  }

  children(path: string): readonly string[] {
    if (this.entry(path)?.type !== 'directory') return [];
    return this.#names(path).filter((name) => this.entry(joinPath(path, name)) !== undefined);
  }

  /** The content of a file. Throws `build-failed` when it has changed since it was looked at. */
  async *read(entry: TreeEntry): AsyncGenerator<Buffer> {
    const descriptor = this.#open(entry.path, constants.O_RDONLY);
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      if (!stats.isFile() || stats.size !== BigInt(entry.size) || stats.mtimeNs !== entry.mtimeNs)
        throw changed(entry.path);
      for (let offset = 0; offset < entry.size; ) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, entry.size - offset));
        const length = readSync(descriptor, buffer, 0, buffer.length, offset);
        if (length === 0) throw changed(entry.path);
        yield buffer.subarray(0, length);
        offset += length;
        await turn();
      }
    } finally {
      closeSync(descriptor);
    }
  }

  /** sha256 of a file's content, in hex; read once. */
  contentHash(entry: TreeEntry): Promise<string> {
    const known = this.#hashes.get(entry.path);
    if (known !== undefined) return known;
    const hash = hashContent(this.read(entry));
    this.#hashes.set(entry.path, hash);
    return hash;
  }

  #look(path: string): TreeEntry | undefined {
    const stats = this.#stat(path);
    if (stats === undefined) return undefined;
    const entry = entryOf(path, stats, this.#options.asRoot);
    if (path !== '' && this.#isIgnored(path) && !this.#leadsToKept(entry)) return undefined;
    if (entry.type !== 'symlink') return entry;
    return { ...entry, linkName: readlinkSync(this.#real(path), 'buffer').toString('latin1') };
  }

  #stat(path: string): BigIntStats | undefined {
    // A parent that is no directory, or is ignored, has nothing in it.
    if (path !== '' && parentPath(path) !== '' && this.entry(parentPath(path))?.type !== 'directory') return undefined;
    try {
      return lstatSync(this.#real(path), { bigint: true });
    } catch (error) {
      if (ABSENT.has(codeOf(error))) return undefined;
      throw failed(path, error);
    }
  }

  #isIgnored(path: string): boolean {
    return this.#match(path)?.matches === true;
  }

  #match(path: string): { readonly matches: boolean; readonly each: ParentMatches } | undefined {
    const { ignore } = this.#options;
    if (ignore === undefined || path === '') return undefined;
    const known = this.#matches.get(path);
    if (known !== undefined) return known;
    const found = ignore.match(pathText(path), this.#match(parentPath(path))?.each);
    if (this.#matches.size < MAX_KNOWN) this.#matches.set(path, found);
    return found;
  }

  /** An ignored directory is there when something in it is not ignored; it is not read when that cannot be. */
  #leadsToKept({ path, type }: TreeEntry): boolean {
    if (type !== 'directory' || this.#options.ignore?.mayExceptBelow(pathText(path)) !== true) return false;
    return this.#names(path).some((name) => {
      const below = joinPath(path, name);
      if (!this.#isIgnored(below)) return true;
      const stats = lstatSync(this.#real(below), { bigint: true, throwIfNoEntry: false });
      return stats?.isDirectory() === true && this.#leadsToKept(entryOf(below, stats, true));
    });
  }

  #names(path: string): readonly string[] {
    const descriptor = this.#open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const names = readdirSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' });
      return names.map((name) => name.toString('latin1')).sort();
    } finally {
      closeSync(descriptor);
    }
  }

  /** Throws `build-failed` for what cannot be read, or has been swapped for a link that leads out. */
  #open(path: string, flags: number): number {
    try {
      const descriptor = openSync(this.#real(path), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const opened = readlinkSync(`/proc/self/fd/${descriptor}`, 'buffer').toString('latin1');
      if (opened === joinPath(this.#root, path)) return descriptor;
      closeSync(descriptor);
    } catch (error) {
      throw failed(path, error);
    }
    throw changed(path);
  }

  #real(path: string): Buffer {
    return raw(joinPath(this.#root, path));
  }
}

export function entryOf(path: string, stats: BigIntStats, asRoot: boolean): TreeEntry {
  const device = Number(stats.rdev);
  return {
    path,
    type: typeOf(stats),
    mode: Number(stats.mode) & 0o7777,
    uid: asRoot ? 0 : Number(stats.uid),
    gid: asRoot ? 0 : Number(stats.gid),
    size: stats.isFile() ? Number(stats.size) : 0,
    mtimeNs: stats.mtimeNs,
    linkName: '',
    // glibc, gnu_dev_major(3) and gnu_dev_minor(3): 32 bits of each are enough for Linux.
    deviceMajor: (device >>> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >>> 12) & 0xfff00),
    ...(stats.isFile() && stats.nlink > 1n && { identity: `${stats.dev}:${stats.ino}` }),
  };
}

function typeOf(stats: BigIntStats): TreeEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'socket';
}

function changed(path: string): TsstackError {
  return new TsstackError('build-failed', `${shownPath(path)} changed while it was read`, { hint: 'Build again' });
}

function failed(path: string, error: unknown): TsstackError {
  const code = codeOf(error);
  return new TsstackError('build-failed', `${shownPath(path)} cannot be read${code === '' ? '' : `: ${code}`}`, {
    hint: 'Name it in .dockerignore when the build does not need it',
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
