import type { Hash } from 'node:crypto';
import { type Duplex, pipeline, Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { exhaustive } from '../../lib/exhaustive.ts';
import { TsstackError } from '../../model/error.ts';
import { checkDigest, hashFor } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { streamRange } from '../file-range.ts';
import type { LayerBlob } from '../opened-image.ts';
import { ByteReader } from '../tar/byte-reader.ts';
import { unxz } from './xz.ts';
import { zstdFrames } from './zstd-frames.ts';

/** 2^27 bytes: what zstd itself takes at most unless asked (RFC 8878 recommends 8 MiB). */
const ZSTD_WINDOW_LOG = 27;
const CHUNK = 256 * 1024;

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
  const packed = new ByteReader(verify(blob, meter, verified));
  let diffHash: Hash | undefined;
  try {
    const format = formatOf(await packed.peek(6));
    // Where both are the same bytes and the same digest, they are hashed once.
    const isHashed = format === 'plain' && blob.diffId === blob.digest;
    if (blob.diffId !== undefined && !isHashed) diffHash = hashFor(blob.diffId);
    for await (const chunk of unpackedAs(format, packed)) {
      if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
      meter.unpacked(chunk.length);
      diffHash?.update(chunk);
      yield chunk;
    }
  } finally {
    await packed.close();
  }
  if (!verified.done) throw imageInvalid('there is something after the end of its compressed data');
  if (diffHash !== undefined && blob.diffId !== undefined) checkDigest(diffHash, blob.diffId, 'its unpacked content');
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

type Format = 'gzip' | 'zstd' | 'xz' | 'plain';

/** By the first bytes, not by the media type: the digests have the last word. */
function formatOf(head: Buffer): Format {
  const magic = head.toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  // RFC 8878: a frame, or a skippable frame (0x184D2A50 to 5F, little-endian) in front of one.
  if (magic.startsWith('28b52ffd') || /^5.2a4d18/.test(magic)) return 'zstd';
  return magic === 'fd377a585a00' ? 'xz' : 'plain';
}

function unpackedAs(format: Format, packed: ByteReader): AsyncIterable<Buffer> {
  switch (format) {
    case 'gzip':
      return decode(packed.rest(), createGunzip({ chunkSize: CHUNK }));
    case 'zstd':
      return decode(
        zstdFrames(packed),
        createZstdDecompress({ chunkSize: CHUNK, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
      );
    case 'xz':
      return unxz(packed.rest());
    case 'plain':
      return packed.rest();
    default:
      return exhaustive(format);
  }
}

async function* decode(packed: AsyncIterable<Buffer>, decoder: Duplex): AsyncGenerator<Buffer> {
  const source = Readable.from(packed, { objectMode: false });
  pipeline(source, decoder, () => {});
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    throw error instanceof TsstackError ? error : damaged(error);
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function damaged(error: unknown): TsstackError {
  const reason = error instanceof Error ? error.message : String(error);
  return imageInvalid(`its compressed data is damaged: ${reason}`, error);
}
