import { imageInvalid } from '../errors.ts';

export const BLOCK = 512;

/**
 * One tar header, POSIX.1-2017 pax "ustar Interchange Format" with GNU's base-256 numbers. Names are byte strings:
 * one character a byte (latin1), so that no name is changed by a character set.
 */
export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  /** The type as its character: `0` file, `1` hard link, `5` directory, … */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** undefined: a block of zeros, which ends an archive. Throws `image-invalid`. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (!hasChecksum(block)) {
    if (block.every((byte) => byte === 0)) return undefined;
    throw imageInvalid('not a tar archive, or a damaged one: the checksum of a header is wrong');
  }
  const size = number(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw imageInvalid(`a header gives a size of ${size} bytes`);
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    type: block[156] === 0 ? '0' : block.toString('latin1', 156, 157),
    mode: number(block, 100, 8),
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size,
    mtime: number(block, 136, 12),
    deviceMajor: number(block, 329, 8),
    deviceMinor: number(block, 337, 8),
  };
}

/** Data of `size` bytes as it lies in the archive. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** The sum of all bytes with the field itself as spaces; ancient tars summed signed bytes. */
function hasChecksum(block: Buffer): boolean {
  let unsigned = 8 * 32;
  let signed = 8 * 32;
  for (let index = 0; index < BLOCK; index += 1) {
    if (index === 148) index = 156;
    const byte = block[index] ?? 0;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const wanted = octal(text(block, 148, 8));
  return wanted !== undefined && (wanted === unsigned || wanted === signed) && unsigned !== 8 * 32;
}

function text(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end === -1 || end > start + length ? start + length : end);
}

/** Octal text, or with the first bit set a big-endian two's complement number (GNU, star). */
export function number(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) {
    const value = octal(text(block, start, length));
    if (value === undefined) throw imageInvalid('a header has a number that is not octal');
    return value;
  }
  let value = first & 0x40 ? -1n : 0n;
  value = (value << 6n) | BigInt(first & 0x3f);
  for (let index = start + 1; index < start + length; index += 1) value = (value << 8n) | BigInt(block[index] ?? 0);
  return Number(value);
}

function octal(field: string): number | undefined {
  const digits = field.trim();
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
