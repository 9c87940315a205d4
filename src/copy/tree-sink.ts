import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { raw } from '../image/layer/byte-fs.ts';
import { clampTime } from '../image/layer/write-entry.ts';
import { TsstackError } from '../model/error.ts';
import {
  at,
  closing,
  errorCode,
  identityOf,
  MAX_DEPTH,
  openAgain,
  openDirectory,
  openName,
  openNamed,
  tooDeep,
} from './descriptors.ts';
import type { Entry, Notice, Piece, Sink } from './entry.ts';
import { XattrWriter } from './xattr-writer.ts';
import { keptXattrs, xattrsOutside } from './xattrs.ts';

/** How often somebody may put something where we have just removed something. */
const ATTEMPTS = 10;
const ZEROS = Buffer.alloc(1 << 18);

export interface SinkOptions {
  /** Owners are kept, and set-id bits and file capabilities with them; else everything is user 0's, and has none. */
  readonly keepOwners: boolean;
  /** The host's id of user 0 on this side. */
  readonly idBase: number;
  readonly notice: Notice;
}

interface OpenDirectory {
  readonly name: string;
  readonly descriptor: number;
  /** To be set when everything is in it, where we made it. */
  readonly mtime?: number;
}

/**
 * Writes below an open directory, which it closes. Directories are opened from the one before and never through a link,
 * files are made anew, and what is in their way is removed and not written through: no link, be it old or put there
 * meanwhile, leads out. Directories that are there already are kept as they are. Throws `conflict` for a directory in
 * place of something else, and the other way round.
 */
export class TreeSink implements Sink {
  readonly #base: number;
  readonly #options: SinkOptions;
  /** From below the base down to where the last entry was. */
  readonly #open: OpenDirectory[] = [];
  readonly #made = new Set<string>();
  readonly #xattrs: XattrWriter;

  constructor(base: number, options: SinkOptions) {
    this.#base = base;
    this.#options = options;
    this.#xattrs = new XattrWriter(options.notice);
  }

  async put(entry: Entry, data: AsyncIterable<Piece>): Promise<void> {
    const name = entry.path.at(-1);
    if (name === undefined) return;
    this.#enter(entry.path.slice(0, -1));
    switch (entry.type) {
      case 'directory':
        await this.#makeDirectory(name, entry);
        return;
      case 'file':
        await this.#writeFile(name, entry, data);
        return;
      case 'symlink':
        this.#insteadOf(name, (path) => symlinkSync(raw(entry.linkName), path));
        this.#setLinkOwner(name, entry);
        return;
      case 'link':
        await this.#makeHardLink(name, entry.linkName.split('/'));
    }
  }

  hasMade(identity: string): boolean {
    return this.#made.has(identity);
  }

  async end(): Promise<void> {
    await this.#xattrs.flush();
    this.#leave(0);
  }

  /** Can be called twice. */
  close(): void {
    for (const { descriptor } of this.#open.splice(0)) closeSync(descriptor);
    this.#xattrs.close();
  }

  get #top(): number {
    return this.#open.at(-1)?.descriptor ?? this.#base;
  }

  /** Goes to the directory of an entry; those that an archive does not mention are made. */
  #enter(path: readonly string[]): void {
    let shared = 0;
    while (shared < path.length && this.#open[shared]?.name === path[shared]) shared += 1;
    this.#leave(shared);
    for (const name of path.slice(shared)) this.#down(name, ensureDirectory(this.#top, name, 0o755).descriptor);
  }

  #down(name: string, descriptor: number, mtime?: number): void {
    this.#open.push({ name, descriptor, ...(mtime !== undefined && { mtime }) });
    if (this.#open.length > MAX_DEPTH) throw tooDeep();
  }

  #leave(depth: number): void {
    while (this.#open.length > depth) {
      const left = this.#open.pop();
      if (left === undefined) return;
      const { descriptor, mtime } = left;
      try {
        if (mtime !== undefined) futimesSync(descriptor, mtime, mtime);
      } finally {
        closeSync(descriptor);
      }
    }
  }

  async #makeDirectory(name: string, entry: Entry): Promise<void> {
    const { descriptor, made } = ensureDirectory(this.#top, name, 0o700);
    this.#down(name, descriptor, made ? clampTime(entry.mtime) : undefined);
    if (!made) return;
    this.#made.add(identityOf(fstatSync(descriptor)));
    this.#setOwnerAndMode(descriptor, entry);
    await this.#setXattrs(descriptor, entry);
  }

  async #writeFile(name: string, entry: Entry, data: AsyncIterable<Piece>): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_TRUNC } = constants;
    const made = this.#insteadOf(name, (path) => openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
    const descriptor = made ?? openMounted(this.#top, name, { flags: O_WRONLY | O_TRUNC, identity: entry.identity });
    if (descriptor === undefined) return;
    await closing(descriptor, async () => {
      for await (const { offset, bytes } of data) writeAll(descriptor, offset, bytes);
      ftruncateSync(descriptor, entry.size);
      if (made !== undefined) this.#setOwnerAndMode(descriptor, entry);
      futimesSync(descriptor, clampTime(entry.mtime), clampTime(entry.mtime));
      if (made !== undefined) await this.#setXattrs(descriptor, entry);
    });
  }

  async #makeHardLink(name: string, target: readonly string[]): Promise<void> {
    let directory = openAgain(this.#base);
    for (const each of target.slice(0, -1)) {
      directory = await closing(directory, async () => openDirectory(directory, each));
    }
    await closing(directory, async () => {
      const existing = at(directory, target.at(-1) ?? '');
      this.#insteadOf(name, (path) => linkSync(existing, path));
    });
  }

  /** Makes something that must be new, and removes what is in its way; undefined where that is a mount point. */
  #insteadOf<Made>(name: string, make: (path: Buffer) => Made): Made | undefined {
    const path = at(this.#top, name);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return make(path);
      } catch (error) {
        if (errorCode(error) !== 'EEXIST' || attempt === ATTEMPTS) throw error;
      }
      if (!remove(path)) return undefined;
    }
  }

  /** Owner first: changing it clears the set-id bits. */
  #setOwnerAndMode(descriptor: number, entry: Entry): void {
    const { uid, gid } = this.#ownerOf(entry);
    fchownSync(descriptor, uid, gid);
    fchmodSync(descriptor, entry.mode & (this.#options.keepOwners ? 0o7777 : 0o1777));
  }

  async #setXattrs(descriptor: number, { path, xattrs }: Entry): Promise<void> {
    const { keepOwners, idBase } = this.#options;
    await this.#xattrs.set(descriptor, path, xattrsOutside(keptXattrs(xattrs, keepOwners), idBase));
  }

  #setLinkOwner(name: string, entry: Entry): void {
    const { uid, gid } = this.#ownerOf(entry);
    lchownSync(at(this.#top, name), uid, gid);
  }

  #ownerOf({ uid, gid }: Entry): { readonly uid: number; readonly gid: number } {
    const { keepOwners, idBase } = this.#options;
    return keepOwners ? { uid: idBase + uid, gid: idBase + gid } : { uid: idBase, gid: idBase };
  }
}

function ensureDirectory(
  directory: number,
  name: string,
  mode: number,
): { readonly descriptor: number; readonly made: boolean } {
  let made = true;
  try {
    mkdirSync(at(directory, name), mode);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    made = false;
  }
  try {
    return { descriptor: openDirectory(directory, name), made };
  } catch (error) {
    if (errorCode(error) !== 'ENOTDIR' && errorCode(error) !== 'ELOOP') throw error;
    throw new TsstackError('conflict', 'A directory cannot take the place of what is no directory', {
      hint: 'Remove what is there, or choose another destination',
    });
  }
}

/** false: it is a mount point, and stays. */
function remove(path: Buffer): boolean {
  try {
    unlinkSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EBUSY') return false;
    if (code === 'EISDIR') {
      throw new TsstackError('conflict', 'A directory is in the place of what is no directory', {
        hint: 'Remove it, or choose another destination',
      });
    }
    if (code !== 'ENOENT') throw error;
  }
  return true;
}

/** A file that is mounted (of a bind, a config) can only be written where it is. undefined: it is the source itself. */
function openMounted(
  directory: number,
  name: string,
  { flags, identity }: { readonly flags: number; readonly identity: string | undefined },
): number | undefined {
  const found = openName(directory, name);
  try {
    const stats = fstatSync(found);
    if (identity === identityOf(stats)) return undefined;
    if (!stats.isFile()) throw new TsstackError('conflict', 'A mount point is in the way');
    return openNamed(found, flags);
  } finally {
    closeSync(found);
  }
}

/** What is all zeros stays a hole: a file that is nothing else cannot fill the disk. */
function writeAll(descriptor: number, offset: number, bytes: Buffer): void {
  if (bytes.length <= ZEROS.length && bytes.equals(ZEROS.subarray(0, bytes.length))) return;
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
  }
}
