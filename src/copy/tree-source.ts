import { closeSync, readSync, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { printable } from '../image/errors.ts';
import { batchSize } from './attr-tool.ts';
import { identityOf, naming } from './descriptors.ts';
import type { Entry, Notice, Piece, Sink } from './entry.ts';
import { idInside } from './ids.ts';
import { type Found, type Step, walkTree } from './tree-walk.ts';
import { XattrReader } from './xattr-reader.ts';
import { NO_XATTRS, type Xattrs, xattrsInside } from './xattrs.ts';

const CHUNK = 1 << 18;

export interface TreeOptions {
  /** The name that the top gets at the destination; absent: only what is in it is copied. */
  readonly as: string | undefined;
  /** The host's id of user 0 on this side. */
  readonly idBase: number;
  readonly notice: Notice;
  /** File capabilities are of use to the sink. */
  readonly withCapabilities: boolean;
  /** Paths below the top, components joined by slashes, that are put without what is in them. */
  readonly empty?: ReadonlySet<string>;
}

/**
 * Puts what `findTree()` found into a sink. Every directory is opened from the one before and no link is followed, so a
 * container that swaps them meanwhile changes what of its own is copied, no more. Devices, pipes and sockets, and the
 * kernel's own file systems, are left out with a notice. As many are held open as one process reads the extended
 * attributes of.
 */
export async function putTree(found: Found, sink: Sink, options: TreeOptions): Promise<void> {
  const reader = new XattrReader(options.notice, options.withCapabilities);
  const walk = walkTree(found, options.as === undefined ? [] : [options.as], {
    ...options,
    hasMade: (identity) => sink.hasMade(identity),
  });
  // While one batch is put, the attributes of the next are read.
  const waiting: ReadBatch[] = [];
  try {
    for (const steps of batches(walk, batchSize())) {
      const xattrs = reader.read(steps.flatMap(heldOf));
      // Thrown when it is this batch's turn, if anything else is not thrown before.
      xattrs.catch(() => undefined);
      waiting.push({ steps, xattrs });
      const [batch] = waiting;
      if (waiting.length === 1 || batch === undefined) continue;
      await putBatch(batch, sink, options);
      closeBatch(waiting.shift());
    }
  } finally {
    for (const batch of waiting) closeBatch(batch);
  }
  await sink.end();
}

interface ReadBatch {
  readonly steps: readonly Step[];
  /** By descriptor. */
  readonly xattrs: Promise<ReadonlyMap<number, Xattrs>>;
}

/** The last one is empty. What was found before an error comes before it is thrown. */
function* batches(walk: Iterable<Step>, size: number): Generator<readonly Step[]> {
  let batch: Step[] = [];
  try {
    for (const step of walk) {
      if (batch.push(step) < size) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    yield batch;
    yield [];
    throw error;
  }
  yield batch;
  yield [];
}

async function putBatch({ steps, xattrs }: ReadBatch, sink: Sink, options: TreeOptions): Promise<void> {
  const found = await xattrs;
  for (const step of steps) await putStep(step, sink, entryOf(step, options, found.get(step.opened ?? -1)));
}

function closeBatch(batch: ReadBatch | undefined): void {
  for (const { opened } of batch?.steps ?? []) if (opened !== undefined) closeSync(opened);
}

/** Of the top whose content alone is copied, attributes are not. */
function heldOf({ opened, path }: Step): { readonly descriptor: number; readonly name: string }[] {
  if (opened === undefined || path.length === 0) return [];
  return [{ descriptor: opened, name: printable(path.join('/')) }];
}

async function putStep({ stats, opened, path }: Step, sink: Sink, entry: Entry): Promise<void> {
  await turn();
  if (path.length === 0) return;
  await naming(path, () =>
    sink.put(entry, opened !== undefined && stats.isFile() ? read(opened, stats.size) : nothing()),
  );
}

function entryOf({ stats, opened, path, linkName = '' }: Step, { idBase }: TreeOptions, xattrs = NO_XATTRS): Entry {
  return {
    path,
    type: typeOf(stats),
    mode: stats.mode & 0o7777,
    uid: idInside(stats.uid, idBase),
    gid: idInside(stats.gid, idBase),
    mtime: stats.mtimeMs / 1000,
    // A file that is not open is where something is mounted.
    size: stats.isFile() && opened !== undefined ? stats.size : 0,
    linkName,
    xattrs: xattrsInside(xattrs, idBase),
    identity: identityOf(stats),
  };
}

function typeOf(stats: Stats): Entry['type'] {
  return stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'symlink';
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
