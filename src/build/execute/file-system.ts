import type { BuiltLayer } from '../../image/build-cache/step-cache.ts';
import { EMPTY_CONFIG } from '../../image/config.ts';
import { unpackOpened } from '../../image/unpack-image.ts';
import { unpackedLayers } from '../../image/unpacked.ts';
import { TsstackError } from '../../model/error.ts';
import { ImageTree } from '../context/image-tree.ts';
import { NO_FILES, type ReadableTree } from '../context/tree.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import { writeLayer } from '../layer/write-layer.ts';
import { chainOf, type StageState } from './state.ts';
import type { Machine, Work } from './work.ts';

/** Layers of a build are packed once and read often. */
const GZIP_LEVEL = 1;

/** Layers as they are mounted. */
export interface FileSystem {
  /** Of the top one. */
  readonly chainId: string;
  /** Their directories, top first. */
  readonly directories: readonly string[];
}

/** Unpacks what is not unpacked yet; undefined: there are no layers. */
export async function fileSystemOf(
  { images, store }: Machine,
  layers: readonly BuiltLayer[],
  signal: AbortSignal,
): Promise<FileSystem | undefined> {
  const chainId = chainOf({ layers }).at(-1);
  if (chainId === undefined) return undefined;
  const blobs = layers.map(({ digest, diffId }) => {
    const file = store.blob(digest);
    if (file === undefined) throw new TsstackError('image-missing', `The layer ${digest} is not in the store any more`);
    return { file, digest, diffId };
  });
  await unpackOpened(images, { id: chainId, config: EMPTY_CONFIG, layers: blobs }, signal);
  const directories = unpackedLayers(images.paths, chainId);
  if (directories === undefined) throw new Error(`layers that were unpacked are gone: ${chainId}`);
  return { chainId, directories: [...directories].reverse() };
}

/** What a stage has so far, to be read. */
export async function treeOf(
  { machine, signal, trees }: Pick<Work, 'machine' | 'signal' | 'trees'>,
  state: StageState,
): Promise<ReadableTree> {
  const found = await fileSystemOf(machine, state.layers, signal);
  if (found === undefined) return NO_FILES;
  const tree = trees.get(found.chainId) ?? new ImageTree(found.directories);
  trees.set(found.chainId, tree);
  return tree;
}

/** undefined where nothing has changed. */
export async function layerOf(
  { machine: { store }, sourceDateEpoch, signal }: Pick<Work, 'machine' | 'sourceDateEpoch' | 'signal'>,
  entries: readonly LayerEntry[],
): Promise<BuiltLayer | undefined> {
  if (entries.length === 0) return undefined;
  const epoch = sourceDateEpoch === undefined ? {} : { sourceDateEpoch };
  return writeLayer(store, entries, { gzipLevel: GZIP_LEVEL, ...epoch, signal });
}

/** The time of what a step makes itself. */
export function nowNs({ machine }: Pick<Work, 'machine'>): bigint {
  return BigInt(machine.now()) * 1_000_000n;
}

/** A file system with nothing in it: what a program sees in a stage from scratch. */
export async function emptyFileSystem({ machine, signal }: Pick<Work, 'machine' | 'signal'>): Promise<FileSystem> {
  const layer = await writeLayer(machine.store, [], { gzipLevel: GZIP_LEVEL, signal });
  const found = await fileSystemOf(machine, [layer], signal);
  if (found === undefined) throw new Error('a layer gives no file system');
  return found;
}
