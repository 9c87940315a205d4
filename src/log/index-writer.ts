import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dropFront } from './drop-front.ts';
import { KnownBytes } from './known-bytes.ts';
import { LogFile, WINDOW } from './log-file.ts';
import { indexPath, parseEntries } from './time-index.ts';
import { type FileWatch, watchFile } from './watch-file.ts';

/** Frees the blocks of a file before an offset, which keeps its size: fallocate(2), FALLOC_FL_PUNCH_HOLE. */
export type PunchHole = (path: string, length: number) => Promise<void>;

/** How a `LogIndexer` tells time, and what it does to files of which less is to be kept. */
export interface LogIndexerOptions {
  /** Least time between two entries of a file. Default 100. */
  readonly gapMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Throws where the file system has no holes: then the file is not limited. */
  readonly punch?: PunchHole;
  /** Called when a file was emptied by somebody else, once until it is removed. */
  readonly onEmptied?: (path: string) => void;
}

interface Indexed {
  readonly path: string;
  /** Size when it was last looked at: what comes behind it is new. */
  size: number;
  /** What was in it then. */
  readonly known: KnownBytes;
  wasEmptied: boolean;
  watch: FileWatch | undefined;
  timer: NodeJS.Timeout | undefined;
  limitBytes: number | undefined;
  /** Its front is being dropped. */
  dropping: Promise<void> | undefined;
}

/**
 * Notes when log files grow, in the index beside each. A file that has just grown is left alone for `gapMs`, so that a
 * container that writes without pause costs ten looks a second and not one a write. Nothing here is needed for the
 * output itself: lines that were written while nobody noted it have the time of the entry before.
 *
 * Of a file with a limit it drops the front at the same looks, so that the container keeps its descriptor and all
 * offsets stay as they are.
 */
export class LogIndexer {
  readonly #files = new Map<string, Indexed>();
  readonly #gapMs: number;
  readonly #now: () => number;
  readonly #punch: PunchHole;
  readonly #onEmptied: (path: string) => void;
  #window: Buffer | undefined;

  constructor(options: LogIndexerOptions = {}) {
    const { gapMs = 100, now = Date.now, punch = async () => undefined, onEmptied = () => undefined } = options;
    this.#gapMs = gapMs;
    this.#now = now;
    this.#punch = punch;
    this.#onEmptied = onEmptied;
  }

  /** Begins to watch a log file, which need not be there yet; its directory must be. Twice is once, with another limit. */
  add(path: string, limitBytes?: number): void {
    const known = this.#files.get(path);
    if (known !== undefined) {
      known.limitBytes = limitBytes;
      this.#drop(known);
      return;
    }
    const idle = { wasEmptied: false, watch: undefined, timer: undefined, dropping: undefined };
    const file: Indexed = { path, size: 0, known: new KnownBytes(), limitBytes, ...idle };
    this.#files.set(path, file);
    this.#open(path, (there) => this.#begin(file, there));
    this.#look(file);
  }

  /** Notes what has grown until now and forgets the file, when it is within its limit. One that is not watched is fine. */
  async remove(path: string): Promise<void> {
    const file = this.#forget(path);
    if (file === undefined) return;
    this.#drop(file);
    while (file.dropping !== undefined) await file.dropping;
  }

  /** Forgets all files; twice is fine. */
  close(): void {
    for (const path of [...this.#files.keys()]) this.#forget(path);
  }

  #forget(path: string): Indexed | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    this.#files.delete(path);
    stop(file);
    this.#note(file);
    return file;
  }

  #look(file: Indexed): void {
    stop(file);
    // First watch, then look: what is written in between is seen by the one or the other.
    file.watch = watchFile(file.path, () => this.#look(file));
    if (!this.#note(file)) return;
    this.#drop(file);
    stop(file);
    file.timer = setTimeout(() => this.#look(file), this.#gapMs).unref();
  }

  /** Drops what is too much, one hole at a time. */
  #drop(file: Indexed): void {
    if (file.limitBytes === undefined || file.dropping !== undefined) return;
    this.#free(file, dropFront(file.path, file.limitBytes, this.#ownWindow()) ?? 0);
  }

  #free(file: Indexed, length: number): void {
    if (length === 0) return;
    const ended = this.#punch(file.path, length).catch(() => {
      // Dropping on would only hide lines that still lie on the disk.
      file.limitBytes = undefined;
    });
    file.dropping = ended.then(() => {
      file.dropping = undefined;
      this.#drop(file);
    });
  }

  /** Appends an entry where the file has grown: true. */
  #note(file: Indexed): boolean {
    return this.#open(file.path, (there) => this.#noteGrowth(file, there)) ?? false;
  }

  #noteGrowth(file: Indexed, there: LogFile): boolean {
    const size = there.size();
    const before = file.size;
    const emptied = file.known.emptied(there);
    if (size === before && !emptied) return false;
    file.size = size;
    file.known.see(there, size);
    const time = Math.round(this.#now());
    if (emptied) this.#noteEmptied(file, size, time);
    else write(file.path, (index) => appendFileSync(index, `${before} ${time}\n`, { mode: 0o600 }));
    return size > 0;
  }

  /** What the index says of the file is no longer true. */
  #noteEmptied(file: Indexed, size: number, time: number): void {
    const entry = size === 0 ? '' : `0 ${time}\n`;
    write(file.path, (index) => writeFileSync(index, `emptied ${time}\n${entry}`, { mode: 0o600 }));
    if (!file.wasEmptied) this.#onEmptied(file.path);
    file.wasEmptied = true;
  }

  /**
   * What is there already was written at an unknown time: in a file with an index it belongs to the last entry; without
   * one the whole file is new.
   */
  #begin(file: Indexed, there: LogFile): void {
    const last = lastEntry(file.path);
    if (last === undefined) return;
    const size = there.size();
    if (last > size) {
      this.#noteEmptied(file, size, Math.round(this.#now()));
    } else if (file.limitBytes !== undefined) {
      // Whoever began a hole may have been killed before it was whole.
      this.#free(file, there.dataStart());
    }
    file.size = size;
    file.known.see(there, size);
  }

  /** undefined: there is no such file. */
  #open<T>(path: string, look: (file: LogFile) => T): T | undefined {
    const file = LogFile.open(path, this.#ownWindow());
    try {
      return file && look(file);
    } finally {
      file?.close();
    }
  }

  #ownWindow(): Buffer {
    this.#window ??= Buffer.allocUnsafe(WINDOW);
    return this.#window;
  }
}

/** The container's directory may be removed at any moment, with its log. */
function write(path: string, change: (index: string) => void): void {
  try {
    change(indexPath(path));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function stop(file: Indexed): void {
  file.watch?.close();
  clearTimeout(file.timer);
  file.watch = undefined;
  file.timer = undefined;
}

/** Where the last entry of a file's index begins; undefined: it has none. */
function lastEntry(path: string): number | undefined {
  try {
    return parseEntries(readFileSync(indexPath(path), 'latin1')).at(-1)?.[0];
  } catch {
    return undefined;
  }
}
