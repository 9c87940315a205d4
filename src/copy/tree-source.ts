import { closeSync, constants, fstatSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { printable } from '../image/errors.ts';
import { raw } from '../image/layer/byte-fs.ts';
import { TsstackError } from '../model/error.ts';
import {
  at,
  errorCode,
  identityOf,
  MAX_DEPTH,
  named,
  naming,
  openAgain,
  openName,
  openNamed,
  self,
  tooDeep,
} from './descriptors.ts';
import type { Entry, Notice, Piece, Sink } from './entry.ts';
import type { Place } from './place.ts';

const CHUNK = 1 << 18;
/** Ids of a container's user namespace. */
const ID_COUNT = 0x10000;

/** What happens to a file when its container goes on while it is copied. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ESTALE']);

export interface TreeOptions {
  /** The name that the top gets at the destination; absent: only what is in it is copied. */
  readonly as: string | undefined;
  /** The host's id of user 0 on this side. */
  readonly idBase: number;
  readonly notice: Notice;
  /** Paths below the top, components joined by slashes, that are put without what is in them. */
  readonly empty?: ReadonlySet<string>;
}

/**
 * Puts what `findTree()` found into a sink. Every directory is opened from the one before and no link is followed, so a
 * container that swaps them meanwhile changes what of its own is copied, no more. Devices, pipes and sockets, and the
 * kernel's own file systems, are left out with a notice.
 */
export async function putTree(found: Found, sink: Sink, options: TreeOptions): Promise<void> {
  await putFound(found, options.as === undefined ? [] : [options.as], { ...options, sink });
  await sink.end();
}

type Work = TreeOptions & { readonly sink: Sink };

/** What is at a place. */
export interface Found {
  readonly stats: Stats;
  /** Of a file or directory, open for reading. */
  readonly opened?: number;
  readonly linkName?: string;
}

/** Opens what is at a place. Throws `conflict` for what cannot be copied. */
export function findTree({ directory, name }: Place): Found {
  const descriptor = name === undefined ? openAgain(directory) : openName(directory, name);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory())
      return { stats, opened: openNamed(descriptor, constants.O_RDONLY | constants.O_DIRECTORY) };
    if (stats.isFile()) return { stats, opened: openNamed(descriptor, constants.O_RDONLY) };
    if (stats.isSymbolicLink() && name !== undefined) {
      return { stats, linkName: readlinkSync(at(directory, name), 'buffer').toString('latin1') };
    }
  } finally {
    closeSync(descriptor);
  }
  throw new TsstackError('conflict', 'Devices, pipes and sockets are not copied');
}

async function putFound({ stats, opened, linkName }: Found, path: readonly string[], work: Work): Promise<void> {
  await turn();
  if (opened === undefined) {
    await naming(path, () => work.sink.put(entryOf(stats, path, { work, linkName }), nothing()));
    return;
  }
  const data = stats.isFile() ? read(opened, stats.size) : nothing();
  if (path.length > 0) await naming(path, () => work.sink.put(entryOf(stats, path, { work }), data));
  if (stats.isDirectory()) await putChildren(opened, path, work);
}

async function putChildren(directory: number, path: readonly string[], work: Work): Promise<void> {
  if (path.length >= MAX_DEPTH) throw named(path, tooDeep());
  for (const bytes of readdirSync(raw(self(directory)), { encoding: 'buffer' })) {
    const name = bytes.toString('latin1');
    const below = [...path, name];
    if (work.empty?.has(below.join('/'))) {
      await putEmpty(directory, below, work);
      continue;
    }
    const found = findChild(directory, below, work.notice);
    if (found === undefined) continue;
    try {
      if (work.sink.hasMade(identityOf(found.stats))) {
        work.notice(`${printable(below.join('/'))} is left out: it is what this copy has made`);
        continue;
      }
      await putFound(found, below, work);
    } finally {
      if (found.opened !== undefined) closeSync(found.opened);
    }
  }
}

/** A mount point: what is mounted there is not looked at. */
async function putEmpty(directory: number, path: readonly string[], work: Work): Promise<void> {
  const descriptor = openName(directory, path.at(-1) ?? '');
  const stats = fstatSync(descriptor);
  closeSync(descriptor);
  if (stats.isDirectory() || stats.isFile()) {
    await naming(path, () => work.sink.put({ ...entryOf(stats, path, { work }), size: 0 }, nothing()));
  }
}

/** undefined: left out. */
function findChild(directory: number, path: readonly string[], notice: Notice): Found | undefined {
  const name = path.at(-1) ?? '';
  const where = printable(path.join('/'));
  try {
    return findTree({ directory, name });
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'conflict') notice(`${where} is left out: ${error.message}`);
    else if (GONE.has(errorCode(error))) notice(`${where} is left out: it went or changed meanwhile`);
    else throw named(path, error);
    return undefined;
  }
}

function entryOf(
  stats: Stats,
  path: readonly string[],
  { work, linkName = '' }: { readonly work: Work; readonly linkName?: string | undefined },
): Entry {
  const inside = (id: number): number => (id >= work.idBase && id < work.idBase + ID_COUNT ? id - work.idBase : id);
  return {
    path,
    type: stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'symlink',
    mode: stats.mode & 0o7777,
    uid: inside(stats.uid),
    gid: inside(stats.gid),
    mtime: stats.mtimeMs / 1000,
    size: stats.isFile() ? stats.size : 0,
    linkName,
    identity: identityOf(stats),
  };
}

/** As much as there was in the beginning: a file that is written to meanwhile has an end. */
async function* read(descriptor: number, size: number): AsyncGenerator<Piece> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size));
  for (let offset = 0; offset < size; ) {
    const length = readSync(descriptor, buffer, 0, Math.min(buffer.length, size - offset), offset);
    if (length === 0) return;
    yield { offset, bytes: buffer.subarray(0, length) };
    offset += length;
    await turn();
  }
}

async function* nothing(): AsyncGenerator<Piece> {}
