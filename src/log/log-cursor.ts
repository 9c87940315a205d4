import { statSync } from 'node:fs';
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
  position = 0;
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
    const first = Math.min(Math.max(file.dataStart(), this.source.from ?? 0), this.end);
    const since =
      sinceMs === undefined ? 0 : file.lineStart(Math.min(this.index.offsetSince(sinceMs), this.end), this.end);
    const from = Math.max(first, since);
    this.position = tail === undefined ? from : file.tailStart(tail, from, this.end);
  }

  /** The bytes at `position`, at most up to `to`. true: lines before them were dropped unread, and `position` is behind them. */
  read(to: number): { readonly bytes: Buffer; readonly dropped: boolean } {
    if (this.#file === undefined) return { bytes: Buffer.alloc(0), dropped: false };
    const { from, bytes } = this.#file.kept(this.position, to);
    const dropped = from > this.position;
    this.position = from;
    return { bytes, dropped };
  }

  /** Looks at the file's size again. A file that became shorter was emptied and is read from its start. */
  refresh(): void {
    this.#file ??= LogFile.open(this.source.path, this.#window);
    if (this.#file === undefined) return;
    this.end = this.#file.size();
    if (this.end < this.position) this.position = 0;
  }

  /** Goes over to the file that has taken this one's place, where there is one: true, and it is read from its start. */
  replace(): boolean {
    const there = statSync(this.source.path, { throwIfNoEntry: false });
    if (there === undefined || this.#file === undefined || there.ino === this.#file.inode) return false;
    this.#file.close();
    this.#file = LogFile.open(this.source.path, this.#window);
    this.position = 0;
    this.refresh();
    return true;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
