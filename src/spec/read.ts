import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { leaveFixedHashes, MOST_WITH_FIXED_HASHES } from '../lib/fixed-hashes.ts';
import { readAtMost } from '../lib/read-at-most.ts';

/** Stack and environment files beyond this size are refused. */
export const mostBytes = 4 * 1024 * 1024;
const mostTogether = 2 * mostBytes;

/** Why a file could not be read, in the terms of a diagnostic. `offset` counts code units of the text before. */
export interface ReadProblem {
  readonly code:
    | 'limit'
    | 'path.missing'
    | 'path.kind'
    | 'path.unreadable'
    | 'yaml.size-limit'
    | 'yaml.encoding'
    | 'yaml.syntax';
  readonly message: string;
  /** The text up to the bad byte, to show the place; absent when there is none to show. */
  readonly before?: string;
}

export type ReadResult = { readonly text: string } | { readonly problem: ReadProblem };

/** What one load has read. */
export interface Reading {
  /** Every file that was read, and those that would have been had they been there; absolute. */
  readonly files: Set<string>;
  /** Code units of all texts; a file that is named twice counts twice. */
  length: number;
}

/** As `readTextFile()`, and within what one stack may read in all. */
export function readWithin(reading: Reading, path: string): ReadResult {
  reading.files.add(path);
  if (reading.length > mostTogether) {
    const message = `${path} is not read: the files of a stack may hold ${mostTogether / (1024 * 1024)} MiB together`;
    return { problem: { code: 'limit', message } };
  }
  const read = readTextFile(path);
  if ('text' in read) reading.length += read.text.length;
  if (reading.length > MOST_WITH_FIXED_HASHES) leaveFixedHashes();
  return read;
}

/** Reads a regular file of UTF-8 text, at most 4 MiB; a byte order mark is taken off. Never blocks on a FIFO or device. */
function readTextFile(path: string): ReadResult {
  const read = readRegularFile(path);
  return 'bytes' in read ? decodeText(read.bytes, path) : read;
}

/** The bytes of a regular file; of one that is longer than `mostBytes` one more than that. */
export function readRegularFile(path: string): { readonly bytes: Buffer } | { readonly problem: ReadProblem } {
  let fd: number;
  try {
    const kind = statSync(path);
    if (!kind.isFile()) return { problem: { code: 'path.kind', message: `${path} is not a regular file` } };
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { problem: openProblem(path, error) };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { problem: { code: 'path.kind', message: `${path} is not a regular file` } };
    return { bytes: readAtMost(fd, Math.min(stat.size, mostBytes) + 1) };
  } catch (error) {
    return { problem: openProblem(path, error) };
  } finally {
    closeSync(fd);
  }
}

function openProblem(path: string, error: unknown): ReadProblem {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { code: 'path.missing', message: `${path} does not exist` };
  if (code === 'ELOOP') return { code: 'path.kind', message: `${path} is a loop of symbolic links` };
  return { code: 'path.unreadable', message: `cannot read ${path}: ${code ?? 'unknown error'}` };
}

/** Bytes to text: UTF-8 only, no NUL, no byte order mark, at most 4 MiB. `name` is for messages. */
export function decodeText(bytes: Buffer, name: string): ReadResult {
  if (bytes.length > mostBytes) {
    return { problem: { code: 'yaml.size-limit', message: `${name} is too large: the limit is 4 MiB` } };
  }
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) {
    return { problem: { code: 'yaml.encoding', message: `${name} is UTF-16 text: save it in the encoding UTF-8` } };
  }
  const nul = bytes.indexOf(0);
  if (!isUtf8(bytes) && (nul === -1 || firstInvalid(bytes) < nul)) {
    const before = bytes.subarray(0, firstInvalid(bytes)).toString();
    return { problem: { code: 'yaml.encoding', message: `${name} is not valid UTF-8 text`, before } };
  }
  if (nul !== -1) {
    const before = bytes.subarray(0, nul).toString();
    return { problem: { code: 'yaml.syntax', message: `${name} holds a NUL character`, before } };
  }
  const text = bytes.toString();
  return { text: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text };
}

function firstInvalid(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (validPrefix(bytes, middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Whether the first `length` bytes are UTF-8, but for a character that the cut divides. */
function validPrefix(bytes: Buffer, length: number): boolean {
  for (let back = 0; back < 4 && back <= length; back++) {
    if (!isUtf8(bytes.subarray(0, length - back))) continue;
    if (back === 0) return true;
    const lead = bytes[length - back] ?? 0;
    return lead >= 0xc2 && lead <= 0xf4 && (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2) > back;
  }
  return false;
}

export type PathKind = 'file' | 'directory' | 'other' | 'missing';

/** What a path is, symbolic links followed. */
export function pathKind(path: string): PathKind {
  try {
    const stat = statSync(path);
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
  } catch {
    return 'missing';
  }
}
