import { lutimesSync } from 'node:fs';
import type { Host } from '../../host/host.ts';
import { TsstackError } from '../../model/error.ts';
import { imageInvalid, inContext, printable } from '../errors.ts';
import { type TarEntry, TarReader } from '../tar/tar-reader.ts';
import type { Budget } from './budget.ts';
import { lstatBytes, raw } from './byte-fs.ts';
import { parseEntryPath } from './entry-path.ts';
import { LayerTree, parentOf } from './layer-tree.ts';
import { Whiteouts } from './whiteout.ts';
import { clampTime, writeDirectory, writeFile, writeHardLink, writeNode, writeSymlink } from './write-entry.ts';
import { Xattrs } from './xattr.ts';

interface LayerTarget {
  readonly host: Host;
  /** An empty directory: becomes the layer. */
  readonly root: string;
  /** The layers below, top first. */
  readonly lowers: readonly string[];
  /** A directory on the same file system for what is not in its place yet. */
  readonly staging: string;
  readonly budget: Budget;
  /** true: it is no layer but somebody's archive, in which a name that begins with `.wh.` is an error. */
  readonly refuseWhiteouts?: boolean;
}

/**
 * Unpacks one layer's tar stream as an overlay lower directory. Nothing is ever written outside `root` and `staging`,
 * whatever the archive says. Throws `image-invalid` with the entry's name; the tree is then of no use.
 */
export async function unpackLayer(tar: AsyncIterable<Buffer>, target: LayerTarget): Promise<void> {
  const reader = new TarReader(tar);
  const unpacker = new LayerUnpacker(target, reader);
  let last = '';
  const position = (): string => (last === '' ? 'its first entry' : `after entry ${last}`);
  try {
    for (;;) {
      const entry = await inContext(position, () => reader.next());
      if (entry === undefined) break;
      last = printable(entry.name);
      await inContext(
        () => `entry ${last}`,
        () => unpacker.add(entry),
      );
    }
  } finally {
    await reader.close();
  }
  await unpacker.finish();
}

/** A hard link shares its target's. */
const NONE: ReadonlyMap<string, Buffer> = new Map();

class LayerUnpacker {
  readonly #target: LayerTarget;
  readonly #reader: TarReader;
  readonly #tree: LayerTree;
  readonly #whiteouts: Whiteouts;
  readonly #xattrs: Xattrs;
  /** Making an entry changes its directory's time: these are set when all is there. */
  readonly #directoryTimes = new Map<string, number>();

  constructor(target: LayerTarget, reader: TarReader) {
    this.#target = target;
    this.#reader = reader;
    this.#tree = new LayerTree(target.root, target.lowers, target.budget);
    this.#whiteouts = new Whiteouts(target.host, this.#tree, target.staging);
    this.#xattrs = new Xattrs(target.host, this.#tree, target.staging);
  }

  async add(entry: TarEntry): Promise<void> {
    this.#target.budget.entry();
    this.#target.budget.file(entry.size);
    const wanted = parseEntryPath(entry.name);
    if (wanted.type !== 'entry' && this.#target.refuseWhiteouts === true) {
      throw imageInvalid('a name that begins with ".wh.", which no layer can hold');
    }
    if (wanted.type === 'ignored') return;
    const path = this.#tree.resolve(wanted.components);
    if (wanted.type === 'whiteout') return this.#whiteouts.addName(path);
    if (wanted.type === 'opaque') return this.#whiteouts.addOpaque(path);
    checkOwner(entry);
    if (path === '' && entry.type !== 'directory') throw imageInvalid('an entry without a name');
    if (entry.type === 'link') writeHardLink(this.#tree, path, entry);
    else await this.#write(path, entry).catch((error: unknown) => Promise.reject(explainOwner(error, entry)));
    this.#xattrs.set(path, entry.type === 'link' ? NONE : entry.xattrs);
  }

  async finish(): Promise<void> {
    await this.#whiteouts.make();
    const covering = this.#tree.covering();
    await this.#xattrs.inherit(covering);
    await this.#xattrs.make();
    for (const [path, below] of covering) this.#directoryTimes.set(path, (lstatBytes(below)?.mtimeMs ?? 0) / 1000);
    for (const [path, seconds] of this.#directoryTimes) {
      if (!this.#tree.isPlain(path) || lstatBytes(this.#tree.real(path))?.isDirectory() !== true) continue;
      lutimesSync(raw(this.#tree.real(path)), clampTime(seconds), clampTime(seconds));
    }
  }

  async #write(path: string, entry: TarEntry): Promise<void> {
    this.#tree.ensureDirectory(parentOf(path));
    if (entry.type === 'directory') {
      this.#tree.uncover(path);
      this.#directoryTimes.set(path, entry.mtime);
      return writeDirectory(this.#tree, path, entry);
    }
    this.#tree.clear(path);
    if (entry.type === 'file') return writeFile(this.#tree, path, entry, this.#reader);
    if (entry.type === 'symlink') return writeSymlink(this.#tree, path, entry);
    this.#target.budget.device();
    return writeNode(this.#tree, path, entry, this.#target);
  }
}

/** chown(2), EINVAL: an id that a user namespace does not have. */
function explainOwner(error: unknown, { uid, gid, name }: TarEntry): unknown {
  const { code, syscall = '' } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (code !== 'EINVAL' || !syscall.endsWith('chown')) return error;
  return new TsstackError(
    'unsupported-host',
    `${printable(name)} belongs to ${uid}:${gid}, ids that this user has not`,
    {
      hint: 'Give the user more ids in /etc/subuid and /etc/subgid, or run tsstack as root',
      cause: error,
    },
  );
}

/** chown(2) takes -1 (4294967295) as "leave as it is": the file would become root's. */
function checkOwner({ uid, gid }: TarEntry): void {
  for (const id of [uid, gid]) {
    if (!Number.isSafeInteger(id) || id < 0 || id >= 0xffffffff) throw imageInvalid(`the owner ${id} is out of range`);
  }
}
