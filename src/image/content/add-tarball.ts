import { createHash } from 'node:crypto';
import { TsstackError } from '../../model/error.ts';
import { imageInvalid, inContext, printable } from '../errors.ts';
import { type FileRange, regularFile, streamRange } from '../file-range.ts';
import { layerTar } from '../layer/blob-stream.ts';
import { Budget } from '../layer/budget.ts';
import { packingOf } from '../layer/decompress.ts';
import { gzipped } from '../layer/gzip.ts';
import { machineLimits } from '../limits-file.ts';
import { OCI_LAYER } from '../manifest.ts';
import type { LayerBlob } from '../opened-image.ts';
import { TarReader } from '../tar/tar-reader.ts';
import type { ContentStore } from './content-store.ts';

/** A layer of the store. */
export interface AddedLayer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  /** Digest of the archive as it is uncompressed. */
  readonly diffId: string;
}

/**
 * Stores a tarball as a layer: packed with gzip or zstd as it is, otherwise packed with gzip, since registries know
 * nothing else. It is read to its end before anything is kept of it. Throws `image-missing`, `image-invalid` for what is no
 * tar archive or more than an image may be, `cancelled`.
 */
export async function addTarball(
  store: ContentStore,
  path: string,
  { gzipLevel, signal }: { readonly gzipLevel: number; readonly signal: AbortSignal },
): Promise<AddedLayer> {
  const file = regularFile(path);
  if (file === undefined) throw new TsstackError('image-missing', 'there is no such file');
  const { digest, diffId } = await digestsOf(file, signal);
  const blob = { file, digest, diffId };
  const format = packingOf(file);
  if (format === 'gzip' || format === 'zstd') {
    const rest = (offset: number): AsyncIterable<Buffer> =>
      streamRange({ ...file, start: offset, size: file.size - offset });
    await store.add({ digest, size: file.size }, rest, { signal });
    return { mediaType: `${OCI_LAYER}+${format}`, digest, size: file.size, diffId };
  }
  const packed = gzipped(layerTar(blob, new Budget(machineLimits()), signal), gzipLevel);
  return { mediaType: `${OCI_LAYER}+gzip`, ...(await store.addUnknown(packed, signal)), diffId };
}

/** Of the file and of what it unpacks to, which must be a tar archive with something in it. */
async function digestsOf(
  file: FileRange,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly diffId: string }> {
  const packed = createHash('sha256');
  for await (const chunk of streamRange(file)) packed.update(chunk);
  const digest = `sha256:${packed.digest('hex')}`;
  const unpacked = createHash('sha256');
  await checkTar(hashed({ file, digest }, unpacked, signal));
  return { digest, diffId: `sha256:${unpacked.digest('hex')}` };
}

async function* hashed(
  blob: LayerBlob,
  hash: { update(chunk: Buffer): unknown },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of layerTar(blob, new Budget(machineLimits()), signal)) {
    hash.update(chunk);
    yield chunk;
  }
}

async function checkTar(tar: AsyncIterable<Buffer>): Promise<void> {
  const reader = new TarReader(tar);
  let last: string | undefined;
  const place = (): string => (last === undefined ? 'its first entry' : `after entry ${last}`);
  try {
    for (;;) {
      const entry = await inContext(place, () => reader.next());
      if (entry === undefined) break;
      last = printable(entry.name);
    }
  } finally {
    await reader.close();
  }
  if (last === undefined) throw imageInvalid('it is no tar archive with files in it');
}
