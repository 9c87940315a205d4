import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Paths } from '../../store/paths.ts';
import { layerDirectory, layersDirectory, recordPath, unpackedDirectory } from '../store-layout.ts';
import { unpackedChain } from '../unpacked.ts';
import type { ContentStore } from './content-store.ts';
import { blobsBelow } from './save.ts';

/**
 * Removes what nothing leads to any more: blobs that no entry of index.json reaches, and what broken transfers have left.
 * `kept`: blobs (digests) that something else needs. Counted from what is there at every call. Gives the bytes that are free now.
 */
export function collectBlobs(store: ContentStore, kept: readonly string[] = []): number {
  const others = new Set(kept);
  const unneeded = unneededBlobs(store, store.index.roots()).filter((digest) => !others.has(digest));
  return unneeded.reduce((freed, digest) => freed + store.remove(digest), store.removeIngests());
}

/** Blobs that none of these images leads to. */
export function unneededBlobs(
  store: ContentStore,
  roots: readonly { readonly digest: string; readonly mediaType: string }[],
): readonly string[] {
  const needed = new Set(roots.flatMap((root) => blobsBelow(store, root)));
  return store.digests().filter((digest) => !needed.has(digest));
}

/** Unpacked layers by what needs them: image ids. */
export interface LayerNeeds {
  readonly needed: ReadonlySet<string>;
  /** Only the layers of these are looked at; absent: all that there are. */
  readonly of?: readonly string[];
}

/**
 * Directories of unpacked layers that no image needs. What is needed again is unpacked again, from the store or from the
 * archive that it came from.
 */
export function unneededLayers(paths: Paths, { needed, of }: LayerNeeds): readonly string[] {
  const kept = new Set(directoriesOf(paths, [...needed]));
  const all = of === undefined ? pathsIn(layersDirectory(paths)) : directoriesOf(paths, of).filter(existsSync);
  return all.filter((path) => !kept.has(path));
}

/** Removes them. Records first: without its record an image counts as not unpacked, whatever is left of its layers. */
export async function removeLayers(
  paths: Paths,
  { needed, of }: LayerNeeds,
  directories: readonly string[],
): Promise<void> {
  const kept = new Set([...needed].filter(hasLayers).map((id) => recordPath(paths, id)));
  const records = of === undefined ? pathsIn(unpackedDirectory(paths)) : of.map((id) => recordPath(paths, id));
  for (const path of records) if (!kept.has(path)) await rm(path, { force: true });
  for (const path of directories) await rm(path, { recursive: true, force: true });
}

function directoriesOf(paths: Paths, imageIds: readonly string[]): readonly string[] {
  const chains = imageIds.flatMap((id) => unpackedChain(paths, id) ?? []);
  return [...new Set(chains)].map((chainId) => layerDirectory(paths, chainId));
}

function hasLayers(id: string): boolean {
  return /^sha\d+:/.test(id);
}

function pathsIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => `${directory}/${name}`) : [];
}
