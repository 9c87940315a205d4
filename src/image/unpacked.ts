import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Paths } from '../store/paths.ts';
import type { ImageContext } from './context.ts';
import { layerDirectory, recordPath } from './store-layout.ts';

/**
 * The layers of an unpacked image as directories, bottom first; undefined when it is not unpacked, or not whole. The
 * image it came from is not needed any more.
 */
export function unpackedLayers(paths: Paths, imageId: string): readonly string[] | undefined {
  const chain = readRecord(recordPath(paths, imageId));
  const directories = chain?.map((chainId) => layerDirectory(paths, chainId));
  return directories?.every((directory) => existsSync(directory)) === true ? directories : undefined;
}

/** To be written when every layer is in its place. */
export async function writeUnpacked(context: ImageContext, imageId: string, chain: readonly string[]): Promise<void> {
  const path = recordPath(context.paths, imageId);
  await context.host.perform([
    { op: 'mkdir', path: dirname(path), mode: 0o700 },
    { op: 'write-file', path, data: `${JSON.stringify({ layers: chain })}\n`, mode: 0o600 },
  ]);
}

/** A record that a power cut has left empty counts as none. */
function readRecord(path: string): readonly string[] | undefined {
  try {
    const { layers } = JSON.parse(readFileSync(path, 'utf8')) as { layers: unknown };
    const isChain =
      Array.isArray(layers) && layers.every((id) => typeof id === 'string' && /^sha\d+:[0-9a-f]+$/.test(id));
    return isChain ? (layers as string[]) : undefined;
  } catch {
    return undefined;
  }
}
