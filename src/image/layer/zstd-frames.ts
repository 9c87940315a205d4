import { imageInvalid } from '../errors.ts';
import type { ByteReader } from '../tar/byte-reader.ts';

const FRAME = 0xfd2fb528;
/** The last four bits are the user's. zstd:chunked keeps its table of contents in one. */
const SKIPPABLE = 0x184d2a50;
/** RFC 8878, 3.1.1.1.1: bytes of the content size and of the dictionary id, by their flags. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_BYTES = [0, 1, 2, 4];
const PIECE = 256 * 1024;

/**
 * The bytes of a zstd stream in pieces that never reach over the end of a frame, skippable frames left out. Node's
 * decoder takes what follows a frame in the same piece for the end of the stream; a stream may have any number of
 * frames (RFC 8878, 3.1). Throws `image-invalid`.
 */
export async function* zstdFrames(packed: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const start = await packed.read(4);
    if (start === undefined) return;
    const magic = start.readUInt32LE();
    if (magic === FRAME) {
      yield start;
      yield* dataFrame(packed);
    } else if ((magic & ~0xf) === SKIPPABLE) await packed.skip((await exactly(packed, 4)).readUInt32LE());
    else throw imageInvalid('its compressed data has something that is no zstd frame');
  }
}

async function* dataFrame(packed: ByteReader): AsyncGenerator<Buffer> {
  const descriptor = await exactly(packed, 1);
  const flags = descriptor[0] ?? 0;
  const singleSegment = (flags & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6] || (singleSegment ? 1 : 0);
  const header = (singleSegment ? 0 : 1) + (DICTIONARY_BYTES[flags & 3] ?? 0) + contentSize;
  yield descriptor;
  if (header > 0) yield await exactly(packed, header);
  for (let last = false; !last; ) {
    const block = await exactly(packed, 3);
    const value = block.readUIntLE(0, 3);
    last = (value & 1) === 1;
    // A block of one repeated byte gives the count as its size.
    const repeated = ((value >> 1) & 3) === 1;
    yield block;
    for (let left = repeated ? 1 : value >> 3; left > 0; ) {
      const piece = await packed.some(Math.min(left, PIECE));
      left -= piece.length;
      yield piece;
    }
  }
  if ((flags & 4) !== 0) yield await exactly(packed, 4);
}

async function exactly(packed: ByteReader, length: number): Promise<Buffer> {
  const data = await packed.read(length);
  if (data === undefined) throw imageInvalid('its compressed data ends too early');
  return data;
}
