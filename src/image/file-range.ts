import {
  type BigIntStats,
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { TsstackError } from '../model/error.ts';
import { imageInvalid } from './errors.ts';

/** A file, or a stored member of an uncompressed archive. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/** The files of an image on disk, by their name in a layout: a directory's or an archive's. */
export interface ImageFiles {
  /** undefined: there is no such regular file. */
  find(name: string): FileRange | undefined;
}

/** Names must be made of constants and checked digests: they are paths below the directory. */
export function openDirectory(path: string): ImageFiles {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new TsstackError('image-missing', 'there is no such directory');
  }
  return { find: (name) => regularFile(`${path}/${name}`) };
}

/** A regular file; undefined when there is none. Does not wait on a FIFO. */
export function regularFile(path: string): FileRange | undefined {
  const fd = openReadOnly(path);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    return stats.isFile() ? { path, start: 0, size: stats.size } : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Another value, another content: inode, size and times. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function openReadOnly(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/** The whole content. Throws `image-invalid` when it is over `limit` bytes or ends early. */
export function readRange(range: FileRange, limit: number): Buffer {
  if (range.size > limit) throw imageInvalid(`a document of ${range.size} bytes; the limit is ${limit}`);
  const fd = openSync(range.path, 'r');
  try {
    return readAt(fd, range.start, range.size);
  } finally {
    closeSync(fd);
  }
}

/** Exactly `length` bytes at `position`. Throws `image-invalid` when the file ends before. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, buffer, done, length - done, position + done);
    if (count === 0) throw imageInvalid('the file ends too early');
    done += count;
  }
  return buffer;
}

/** The content in pieces of up to 256 KiB. */
export function streamRange(range: FileRange): AsyncIterable<Buffer> {
  if (range.size === 0) return empty();
  return createReadStream(range.path, {
    start: range.start,
    end: range.start + range.size - 1,
    highWaterMark: 256 * 1024,
  });
}

async function* empty(): AsyncGenerator<Buffer> {}
