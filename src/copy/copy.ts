import { closeSync } from 'node:fs';
import { byteString } from '../image/layer/byte-fs.ts';
import { TsstackError } from '../model/error.ts';
import { closing, errorCode, naming, openDirectory } from './descriptors.ts';
import { baseName, type CopySource, decideCopy, endsInSlash, type Kind } from './destination.ts';
import type { Notice } from './entry.ts';
import { findPlace, type Place } from './place.ts';
import { TarSink } from './tar-sink.ts';
import { copyArchive } from './tar-source.ts';
import { TreeSink } from './tree-sink.ts';
import { putTree } from './tree-source.ts';
import { type Found, findTree } from './tree-walk.ts';

/** A path below a root. */
export interface Side {
  /** Open directory that is `/` to the path, and beyond which nothing is read or written. */
  readonly root: number;
  readonly path: string;
  /** The host's id of user 0 on this side. */
  readonly idBase: number;
}

export interface CopyOptions {
  readonly keepOwners: boolean;
  /** A link at the end of the source's path is followed. */
  readonly followLink: boolean;
  readonly notice: Notice;
}

/** Files and directories as `docker cp` copies them. Throws `not-found`, `conflict`, `command-failed`. */
export async function copyFiles(source: Side, destination: Side, options: CopyOptions): Promise<void> {
  await withSource(source, options.followLink, async (found) => {
    const wanted = { directory: found.stats.isDirectory(), name: nameOf(source.path) };
    const { base, as } = await openDestination(destination, wanted);
    const { keepOwners, notice } = options;
    const sink = new TreeSink(base, { keepOwners, idBase: destination.idBase, notice });
    const from = { as, idBase: source.idBase, notice, withCapabilities: keepOwners };
    await closing(base, () => putTree(found, sink, from)).finally(() => sink.close());
  });
}

export interface ArchiveOptions {
  /** Paths below the source, without a slash in front, that are put without what is in them. */
  readonly empty?: readonly string[];
}

/** Files and directories as a tar archive. */
export async function copyToArchive(
  source: Side,
  write: (bytes: Uint8Array) => Promise<void>,
  { followLink, notice, empty = [] }: Pick<CopyOptions, 'followLink' | 'notice'> & ArchiveOptions,
): Promise<void> {
  const options = { idBase: source.idBase, notice, withCapabilities: true, empty: new Set(empty.map(byteString)) };
  await withSource(source, followLink, (found) =>
    putTree(found, new TarSink(write, notice), { as: nameOf(source.path), ...options }),
  );
}

/** A tar archive into a directory that is there. */
export async function copyFromArchive(
  stream: AsyncIterable<Buffer>,
  destination: Side,
  { keepOwners, notice }: Pick<CopyOptions, 'keepOwners' | 'notice'>,
): Promise<void> {
  const { base, kind } = await openPlace(destination);
  await closing(base, async () => {
    if (kind !== 'directory') throw new TsstackError('not-found', `There is no directory ${destination.path}`);
    const sink = new TreeSink(base, { keepOwners, idBase: destination.idBase, notice });
    await copyArchive(stream, sink, notice).finally(() => sink.close());
  });
}

function nameOf(path: string): string | undefined {
  const name = baseName(path);
  return name === undefined ? undefined : byteString(name);
}

async function withSource(
  { root, path }: Side,
  followLink: boolean,
  use: (found: Found) => Promise<void>,
): Promise<void> {
  const found = await naming([byteString(path)], async () => {
    const place = findPlace(root, byteString(path), followLink);
    return closing(place.directory, async () => findTree(place));
  });
  try {
    if (endsInSlash(path) && !found.stats.isDirectory())
      throw new TsstackError('conflict', `${path} is not a directory`);
    await use(found);
  } finally {
    if (found.opened !== undefined) closeSync(found.opened);
  }
}

/** The directory that is written to, and the name that the source gets in it; without one only its content goes there. */
async function openDestination(
  side: Side,
  source: CopySource,
): Promise<{ readonly base: number; readonly as: string | undefined }> {
  const { base, kind, name } = await openPlace(side);
  try {
    const decided = decideCopy(source, { kind, slash: endsInSlash(side.path), path: side.path });
    return { base, as: decided === 'itself' ? name : decided.below };
  } catch (error) {
    closeSync(base);
    throw error;
  }
}

/** `base`: the directory itself, or the one in which `name` is something else or missing. */
function openPlace({
  root,
  path,
}: Side): Promise<{ readonly base: number; readonly kind: Kind; readonly name?: string }> {
  return naming([byteString(path)], async () => {
    const place = findPlace(root, byteString(path), true);
    if (place.name === undefined) return { base: place.directory, kind: 'directory' };
    return openNamedPlace({ ...place, name: place.name });
  });
}

function openNamedPlace({ directory, name }: Required<Place>): { base: number; kind: Kind; name: string } {
  try {
    const base = openDirectory(directory, name);
    closeSync(directory);
    return { base, kind: 'directory', name };
  } catch (error) {
    const kind = KIND_OF[errorCode(error) ?? ''];
    if (kind !== undefined) return { base: directory, kind, name };
    closeSync(directory);
    throw error;
  }
}

const KIND_OF: Readonly<Record<string, Kind>> = { ENOENT: 'missing', ENOTDIR: 'other', ELOOP: 'other' };
