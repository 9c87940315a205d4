import { imageInvalid } from '../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { BLOCK, number } from './header.ts';
import { type PaxRecords, paxNumber, paxText } from './pax.ts';

/** A run of data in a sparse file; what lies between runs is a hole. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
}

interface SparseFile {
  /** Size of the file with its holes. */
  readonly realSize: number;
  readonly segments: readonly Segment[];
  /** Bytes of the entry's data that the map itself took. */
  readonly consumed: number;
}

/** 1 MiB of map is some 50,000 holes. */
const MAP_BYTES = 2 ** 20;

/** GNU tar manual, "Storing Sparse Files", PAX formats 0.1 and 1.0. undefined: not sparse. */
export async function paxSparse(reader: ByteReader, pax: PaxRecords, size: number): Promise<SparseFile | undefined> {
  const map = paxText(pax, 'GNU.sparse.map');
  if (map !== undefined) {
    const numbers = map.split(',').map(decimal);
    return checked(paxNumber(pax, 'GNU.sparse.size') ?? -1, pairs(numbers), size, 0);
  }
  if (paxText(pax, 'GNU.sparse.major') !== '1') return undefined;
  const { numbers, consumed } = await readMap(reader, size);
  return checked(paxNumber(pax, 'GNU.sparse.realsize') ?? -1, pairs(numbers), size - consumed, consumed);
}

/** Type `S` of the old GNU format: four runs in the header, 21 in each block that follows. */
export async function gnuSparse(reader: ByteReader, header: Buffer, size: number): Promise<SparseFile> {
  const segments: Segment[] = [];
  const collect = (block: Buffer, start: number, count: number): void => {
    for (let at = start; at < start + 24 * count && block[at] !== 0; at += 24) {
      segments.push({ offset: number(block, at, 12), length: number(block, at + 12, 12) });
    }
  };
  collect(header, 386, 4);
  let more = header[482] !== 0;
  while (more) {
    const block = await reader.read(BLOCK);
    if (block === undefined || segments.length * 24 > MAP_BYTES) throw invalidMap();
    collect(block, 0, 21);
    more = block[504] !== 0;
  }
  return checked(number(header, 483, 12), segments, size, 0);
}

/** Decimal numbers, one a line: how many runs, then offset and length of each, filled up to a block. */
async function readMap(reader: ByteReader, size: number): Promise<{ numbers: number[]; consumed: number }> {
  let text = '';
  for (let consumed = 0; consumed < Math.min(size, MAP_BYTES); ) {
    const block = await reader.read(BLOCK);
    if (block === undefined) throw invalidMap();
    consumed += BLOCK;
    text += block.toString('latin1');
    const lines = text.split('\n');
    const count = lines.length > 1 ? decimal(lines[0] ?? '') : Number.POSITIVE_INFINITY;
    if (lines.length > 1 + 2 * count) return { numbers: lines.slice(1, 1 + 2 * count).map(decimal), consumed };
  }
  throw invalidMap();
}

function pairs(numbers: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    segments.push({ offset: numbers[index] ?? 0, length: numbers[index + 1] ?? 0 });
  }
  return segments;
}

function checked(realSize: number, segments: readonly Segment[], dataSize: number, consumed: number): SparseFile {
  let end = 0;
  let data = 0;
  for (const { offset, length } of segments) {
    if (!(offset >= end) || !(length >= 0)) throw invalidMap();
    end = offset + length;
    data += length;
  }
  if (!Number.isSafeInteger(realSize) || end > realSize || data !== dataSize) throw invalidMap();
  return { realSize, segments, consumed };
}

function decimal(text: string): number {
  if (!/^[0-9]{1,16}$/.test(text)) throw invalidMap();
  return Number(text);
}

function invalidMap(): Error {
  return imageInvalid('the map of a sparse file is wrong');
}
