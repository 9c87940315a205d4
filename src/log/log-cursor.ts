import { statSync } from 'node:fs';
import { KnownBytes } from './known-bytes.ts';
import { LogFile } from './log-file.ts';
import { TimeIndex } from './time-index.ts';

/** Output of one container. */
export interface LogSource {
  /** The log file; it need not be there yet. */
  readonly path: string;
  /** Put before every line; empty: the bytes are passed on as they are. */
  readonly prefix: string;
  /** Makes a line (without its line break) into what is printed instead of prefix and line. */
  readonly encode?: (line: string, timeMs: number) => string;
  /** Start at this offset instead of the file's start. */
  readonly from?: number;
}

/** Where a reader starts in a file. */
export interface StartOptions {
  /** Lines from the end at most. */
  readonly tail?: number;
  /** Only what was written since, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Only what was written before, milliseconds since the epoch. */
  readonly untilMs?: number;
}

/** How far one source has been read. */
export class LogCursor {
  readonly source: LogSource;
  #file: LogFile | undefined;
  #index: TimeIndex | undefined;
  readonly #window: Buffer;
  readonly #known = new KnownBytes();
  #position = 0;
  /** The beginning of the line at `position` has been printed. */
  midLine = false;
  /** Size when it was last looked at. */
  end = 0;

  constructor(source: LogSource, window: Buffer) {
    this.source = source;
    this.#window = window;
    this.#file = LogFile.open(source.path, window);
  }

  get file(): LogFile | undefined {
    return this.#file;
  }

  get position(): number {
    return this.#position;
  }

  get index(): TimeIndex {
    this.#index ??= TimeIndex.of(this.source.path);
    return this.#index;
  }

  /** Goes to the first line that is wanted. */
  start({ tail, sinceMs, untilMs }: StartOptions): void {
    const file = this.#file;
    if (file === undefined) return;
    const size = file.size();
    this.end = untilMs === undefined ? size : file.lineStart(Math.min(this.index.offsetSince(untilMs), size), size);
    // What is shorter than where it was to begin was emptied since.
    const wanted = (this.source.from ?? 0) <= size ? (this.source.from ?? 0) : 0;
    const first = Math.min(Math.max(file.dataStart(), wanted), this.end);
    const since =
      sinceMs === undefined ? 0 : file.lineStart(Math.min(this.index.offsetSince(sinceMs), this.end), this.end);
    const from = Math.max(first, since);
    this.#goTo(tail === undefined ? from : file.tailStart(tail, from, this.end));
  }

  /**
   * The bytes at `position`, at most up to `to`. true: lines before them were dropped unread, and `position` is behind
   * them; or the file was emptied, and `position` is its start: then there are no bytes.
   */
  read(to: number): { readonly bytes: Buffer; readonly dropped: boolean } {
    if (this.#file === undefined) return { bytes: Buffer.alloc(0), dropped: false };
    const { from, bytes } = this.#file.kept(this.#position, to);
    // Asked behind the bytes: else they may be those of another text already.
    if (this.#beginAnew()) return { bytes: bytes.subarray(0, 0), dropped: true };
    const dropped = from > this.#position;
    if (dropped) this.#goTo(from);
    return { bytes, dropped };
  }

  /** `bytes`, the first of those that were read, are done with. */
  pass(bytes: Uint8Array): void {
    this.#position += bytes.length;
    if (this.#file !== undefined) this.#known.append(this.#file, bytes);
  }

  /** Looks at the file's size again. true: it was emptied and is read from its start. */
  refresh(): boolean {
    this.#file ??= LogFile.open(this.source.path, this.#window);
    if (this.#file === undefined) return false;
    const emptied = this.#beginAnew();
    this.end = this.#file.size();
    return emptied;
  }

  /** Goes over to the file that has taken this one's place, where there is one: true, and it is read from its start. */
  replace(): boolean {
    const there = statSync(this.source.path, { throwIfNoEntry: false });
    if (there === undefined || this.#file === undefined || there.ino === this.#file.inode) return false;
    this.#file.close();
    this.#file = LogFile.open(this.source.path, this.#window);
    this.#goTo(0);
    this.refresh();
    return true;
  }

  #beginAnew(): boolean {
    if (this.#file === undefined || !this.#known.emptied(this.#file)) return false;
    this.#goTo(0);
    return true;
  }

  #goTo(position: number): void {
    this.#position = position;
    if (this.#file !== undefined) this.#known.see(this.#file, position);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
