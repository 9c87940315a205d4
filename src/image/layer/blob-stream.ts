import { TsstackError } from '../../model/error.ts';
import { checkDigest, hashFor } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { streamRange } from '../file-range.ts';
import type { LayerBlob } from '../opened-image.ts';
import { decompress, packingOf } from './decompress.ts';

/** Is told of a layer's bytes as they come, and throws when they are too many. */
export interface ByteMeter {
  packed(bytes: number): void;
  unpacked(bytes: number): void;
}

/**
 * A layer's tar stream: packed bytes are counted and hashed on the way in, unpacked ones on the way out, and the end
 * is an error unless both digests are right. Throws `image-invalid`, and `cancelled` when `signal` is aborted.
 */
export async function* layerTar(blob: LayerBlob, meter: ByteMeter, signal: AbortSignal): AsyncGenerator<Buffer> {
  const verified = { done: false };
  const { digest, diffId, file } = blob;
  // Where both are the same bytes and the same digest, they are hashed once.
  const isHashed = diffId === undefined || (diffId === digest && packingOf(file) === 'plain');
  const diffHash = isHashed ? undefined : hashFor(diffId);
  for await (const chunk of decompress(verify(blob, meter, verified))) {
    if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
    meter.unpacked(chunk.length);
    diffHash?.update(chunk);
    yield chunk;
  }
  if (!verified.done) throw imageInvalid('there is something after the end of its compressed data');
  if (diffHash !== undefined && diffId !== undefined) checkDigest(diffHash, diffId, 'its unpacked content');
}

async function* verify(blob: LayerBlob, meter: ByteMeter, verified: { done: boolean }): AsyncGenerator<Buffer> {
  const hash = blob.digest === undefined ? undefined : hashFor(blob.digest);
  let size = 0;
  for await (const chunk of streamRange(blob.file)) {
    size += chunk.length;
    meter.packed(chunk.length);
    hash?.update(chunk);
    yield chunk;
  }
  if (size !== blob.file.size) throw imageInvalid(`it has ${size} bytes, not ${blob.file.size}`);
  if (hash !== undefined && blob.digest !== undefined) checkDigest(hash, blob.digest, 'it');
  verified.done = true;
}
