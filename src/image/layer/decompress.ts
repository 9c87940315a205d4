import { type Duplex, pipeline, Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { exhaustive } from '../../lib/exhaustive.ts';
import { TsstackError } from '../../model/error.ts';
import { imageInvalid } from '../errors.ts';
import { type FileRange, readRange } from '../file-range.ts';
import { ByteReader } from '../tar/byte-reader.ts';
import { BZIP2, unpackBy, XZ } from './unpack-program.ts';
import { zstdFrames } from './zstd-frames.ts';

/** 2^27 bytes: what zstd itself takes at most unless asked (RFC 8878 recommends 8 MiB). */
const ZSTD_WINDOW_LOG = 27;
const CHUNK = 256 * 1024;
/** Of the longest mark that a format begins with. */
const HEAD_BYTES = 6;

/**
 * What a stream is when it is unpacked: gzip, zstd, xz or bzip2, told by its first bytes; anything else is taken as it
 * stands. Throws `image-invalid`, `missing-tool`, and what `source` throws. Programs and `source` end with the iteration.
 */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const packed = new ByteReader(source);
  try {
    yield* unpackedAs(formatOf(await packed.peek(HEAD_BYTES)), packed);
  } finally {
    await packed.close();
  }
}

/** How a layer or a whole archive is compressed. */
export type Format = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'plain';

/** How a file is packed as a whole. */
export function packingOf(file: FileRange): Format {
  return formatOf(readRange({ ...file, size: Math.min(HEAD_BYTES, file.size) }, HEAD_BYTES));
}

/** By the first bytes, not by a media type or a name. */
function formatOf(head: Buffer): Format {
  const magic = head.toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  // RFC 8878: a frame, or a skippable frame (0x184D2A50 to 5F, little-endian) in front of one.
  if (magic.startsWith('28b52ffd') || /^5.2a4d18/.test(magic)) return 'zstd';
  // "BZh", the size of its blocks, then a block (begins with π) or the end of the stream (with its square root).
  if (/^425a683[1-9](?:3141|1772)$/.test(magic)) return 'bzip2';
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
      return unpackBy(XZ, packed.rest());
    case 'bzip2':
      return unpackBy(BZIP2, packed.rest());
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
