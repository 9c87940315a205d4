import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Size of a window in bytes: the most that `view()` gives. */
export const WINDOW = 1 << 20;
const NEWLINE = 10;
const ZEROS = Buffer.alloc(64 * 1024);

/** Reads a file that another process appends to. Offsets are bytes from the file's start. Close it; twice is fine. */
export class LogFile {
  readonly inode: number;
  readonly #window: Buffer;
  #fd: number | undefined;

  private constructor(fd: number, window: Buffer) {
    this.#fd = fd;
    this.#window = window;
    this.inode = fstatSync(fd).ino;
  }

  /** undefined when there is no such file. `window`, of `WINDOW` bytes, is what is read into; files may share it. */
  static open(path: string, window: Buffer): LogFile | undefined {
    try {
      return new LogFile(openSync(path, 'r'), window);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  size(): number {
    return fstatSync(this.#descriptor()).size;
  }

  /** Bytes from `from` on, at most up to `to` and at most 1 MiB; good until the window is used again. Empty at the file's end. */
  view(from: number, to: number): Buffer {
    const length = Math.min(WINDOW, to - from);
    if (length <= 0) return this.#window.subarray(0, 0);
    return this.#window.subarray(0, readSync(this.#descriptor(), this.#window, 0, length, from));
  }

  /**
   * Where the data begins: the size limit of a log punches holes at its front, which read as NUL bytes. 0 in a file
   * without holes, whatever its bytes are.
   */
  dataStart(): number {
    const { size, blocks, blksize } = fstatSync(this.#descriptor());
    // st_blocks counts 512-byte units, stat(2). Blocks that the file system uses for itself are in it too, so that a
    // hole is at least as large as what is missing.
    const missing = Math.floor((size - blocks * 512) / blksize) * blksize;
    if (missing <= 0) return 0;
    const guess = this.#isZero(0, blksize) && this.#isZero(missing - blksize, missing) ? missing : 0;
    return this.#afterZeros(guess, size);
  }

  /** Start of the last `lines` lines before `end`, at least `start`. A last line without line break counts. */
  tailStart(lines: number, start: number, end: number): number {
    if (lines === 0) return end;
    let left = lines;
    let to = end;
    while (to > start) {
      const from = Math.max(start, to - WINDOW);
      const bytes = this.view(from, to);
      // The line break at the very end ends the last line, it does not begin one.
      let at = bytes.lastIndexOf(NEWLINE, to === end ? bytes.length - 2 : bytes.length - 1);
      if (to === end && bytes.length < 2) at = -1;
      while (at !== -1) {
        left -= 1;
        if (left === 0) return from + at + 1;
        at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1);
      }
      to = from;
    }
    return start;
  }

  /** The first line start at or after `offset`; `end` when there is none. */
  lineStart(offset: number, end: number): number {
    if (offset <= 0 || offset >= end) return Math.min(Math.max(offset, 0), end);
    for (let from = offset - 1; from < end; from += WINDOW) {
      const at = this.view(from, end).indexOf(NEWLINE);
      if (at !== -1) return Math.min(from + at + 1, end);
    }
    return end;
  }

  #afterZeros(start: number, size: number): number {
    let from = start;
    while (from < size) {
      const bytes = this.view(from, Math.min(from + ZEROS.length, size));
      if (bytes.length === 0) break;
      if (!bytes.equals(ZEROS.subarray(0, bytes.length))) return from + bytes.findIndex((byte) => byte !== 0);
      from += bytes.length;
    }
    return from;
  }

  #isZero(from: number, to: number): boolean {
    const bytes = this.view(from, Math.min(to, from + ZEROS.length));
    return bytes.equals(ZEROS.subarray(0, bytes.length));
  }

  #descriptor(): number {
    if (this.#fd === undefined) throw new Error('the log file has been closed');
    return this.#fd;
  }
}
