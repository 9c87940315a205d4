import type { Hash } from 'node:crypto';
import { TsstackError } from '../../model/error.ts';
import { checkDigest, hashFor } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { streamRange } from '../file-range.ts';
import type { LayerBlob } from '../opened-image.ts';
import type { Budget } from './budget.ts';
import { decompress } from './decompress.ts';

/**
 * A layer's tar stream: packed bytes are counted and hashed on the way in, unpacked ones on the way out, and the end
 * is an error unless both digests are right. Throws `image-invalid`, and `cancelled` when `signal` is aborted.
 */
export async function* layerTar(blob: LayerBlob, budget: Budget, signal: AbortSignal): AsyncGenerator<Buffer> {
  const diffHash = blob.diffId === undefined ? undefined : hashFor(blob.diffId);
  for await (const chunk of unpacked(blob, budget)) {
    if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
    budget.unpacked(chunk.length);
    diffHash?.update(chunk);
    yield chunk;
  }
  if (diffHash !== undefined && blob.diffId !== undefined) checkDigest(diffHash, blob.diffId, 'its unpacked content');
}

async function* unpacked(blob: LayerBlob, budget: Budget): AsyncGenerator<Buffer> {
  const verified = { done: false };
  const hash = blob.digest === undefined ? undefined : hashFor(blob.digest);
  yield* decompress(verify(blob, budget, hash, verified));
  if (!verified.done) throw imageInvalid('there is something after the end of its compressed data');
}

async function* verify(
  blob: LayerBlob,
  budget: Budget,
  hash: Hash | undefined,
  verified: { done: boolean },
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of streamRange(blob.file)) {
    size += chunk.length;
    budget.packed(chunk.length);
    hash?.update(chunk);
    yield chunk;
  }
  if (size !== blob.file.size) throw imageInvalid(`it has ${size} bytes, not ${blob.file.size}`);
  if (hash !== undefined && blob.digest !== undefined) checkDigest(hash, blob.digest, 'it');
  verified.done = true;
}
