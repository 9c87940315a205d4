import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readStart } from './time-index.ts';

/** Size of a window in bytes: the most that `view()` gives. */
export const WINDOW = 1 << 20;
const NEWLINE = 10;

/** Reads a file that another process appends to. Offsets are bytes from the file's start. Close it; twice is fine. */
export class LogFile {
  readonly inode: number;
  readonly #path: string;
  readonly #window: Buffer;
  #fd: number | undefined;

  private constructor(path: string, fd: number, window: Buffer) {
    this.#path = path;
    this.#fd = fd;
    this.#window = window;
    this.inode = fstatSync(fd).ino;
  }

  /** undefined when there is no such file. `window`, of `WINDOW` bytes, is what is read into; files may share it. */
  static open(path: string, window: Buffer): LogFile | undefined {
    try {
      return new LogFile(path, openSync(path, 'r'), window);
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
   * As `view()`, without what a size limit has dropped: `from` is where the bytes begin then. The index is asked behind
   * the bytes, since it says what is dropped before a hole is punched: no byte that is given can come from a hole.
   */
  kept(from: number, to: number): { readonly from: number; readonly bytes: Buffer } {
    for (let at = from; ; ) {
      const bytes = this.view(at, to);
      const start = this.dataStart();
      if (start <= at) return { from: at, bytes };
      at = start;
    }
  }

  /** Where the data begins: what is before was dropped, and reads as NUL bytes. */
  dataStart(): number {
    const start = readStart(this.#path);
    if (start === 0 || start > this.size()) return 0;
    // Without a hole: there is none yet, or somebody emptied the file and nobody has noted it yet.
    return [0, start - 1].some((offset) => this.copyOf(offset, 1)[0] === 0) ? start : 0;
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
      const start = this.dataStart();
      if (start >= offset) return Math.min(start, end);
      if (at !== -1) return Math.min(from + at + 1, end);
    }
    return end;
  }

  /** Few bytes of one's own, fewer at the file's end. */
  copyOf(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return length === 0 ? bytes : bytes.subarray(0, readSync(this.#descriptor(), bytes, 0, length, from));
  }

  #descriptor(): number {
    if (this.#fd === undefined) throw new Error('the log file has been closed');
    return this.#fd;
  }
}
