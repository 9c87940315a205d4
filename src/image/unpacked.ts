import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ImageAbout } from '../model/image.ts';
import type { Paths } from '../store/paths.ts';
import type { ImageContext } from './context.ts';
import type { OpenedImage } from './opened-image.ts';
import { layerDirectory, recordPath } from './store-layout.ts';

/**
 * The layers of an unpacked image as directories, bottom first; undefined when it is not unpacked, or not whole. The
 * image it came from is not needed any more.
 */
export function unpackedLayers(paths: Paths, imageId: string): readonly string[] | undefined {
  const directories = unpackedChain(paths, imageId)?.map((chainId) => layerDirectory(paths, chainId));
  return directories?.every((directory) => existsSync(directory)) === true ? directories : undefined;
}

/** Chain ids of an unpacked image's layers, bottom first; undefined when it is not unpacked. */
export function unpackedChain(paths: Paths, imageId: string): readonly string[] | undefined {
  return imageId.startsWith('sha') ? readRecord(recordPath(paths, imageId))?.layers : undefined;
}

/** What an unpacked image said of itself; empty where it said nothing. */
export function unpackedAbout(paths: Paths, imageId: string): Partial<ImageAbout> {
  const { platform, createdAtMs } = readRecord(recordPath(paths, imageId)) ?? {};
  return {
    ...(typeof platform === 'string' && { platform }),
    ...(typeof createdAtMs === 'number' && { createdAtMs }),
  };
}

/** To be written when every layer is in its place. */
export async function writeUnpacked(
  context: ImageContext,
  { id, about }: Pick<OpenedImage, 'id' | 'about'>,
  chain: readonly string[],
): Promise<void> {
  const path = recordPath(context.paths, id);
  await context.host.perform([
    { op: 'mkdir', path: dirname(path), mode: 0o700 },
    { op: 'write-file', path, data: `${JSON.stringify({ layers: chain, ...about })}\n`, mode: 0o600 },
  ]);
}

interface UnpackedRecord {
  readonly layers: readonly string[];
  readonly platform?: unknown;
  readonly createdAtMs?: unknown;
}

/** A record that a power cut has left empty counts as none. */
function readRecord(path: string): UnpackedRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as { layers: unknown };
    const { layers } = record;
    const isChain =
      Array.isArray(layers) && layers.every((id) => typeof id === 'string' && /^sha\d+:[0-9a-f]+$/.test(id));
    return isChain ? (record as UnpackedRecord) : undefined;
  } catch {
    return undefined;
  }
}
