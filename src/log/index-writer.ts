import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dropFront } from './drop-front.ts';
import { WINDOW } from './log-file.ts';
import { indexPath, parseEntries, readStart } from './time-index.ts';
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
}

interface Indexed {
  readonly path: string;
  /** Size when it was last looked at: what comes behind it is new. */
  size: number;
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
  #window: Buffer | undefined;

  constructor({ gapMs = 100, now = Date.now, punch = async () => undefined }: LogIndexerOptions = {}) {
    this.#gapMs = gapMs;
    this.#now = now;
    this.#punch = punch;
  }

  /** Begins to watch a log file, which need not be there yet; its directory must be. Twice is once, with another limit. */
  add(path: string, limitBytes?: number): void {
    const known = this.#files.get(path);
    if (known !== undefined) {
      known.limitBytes = limitBytes;
      this.#drop(known);
      return;
    }
    const idle = { watch: undefined, timer: undefined, dropping: undefined };
    const file: Indexed = { path, size: knownSize(path), limitBytes, ...idle };
    this.#files.set(path, file);
    // Whoever moved the start may have been killed before the hole was punched.
    if (limitBytes !== undefined) this.#free(file, readStart(path));
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
    this.#window ??= Buffer.allocUnsafe(WINDOW);
    this.#free(file, dropFront(file.path, file.limitBytes, this.#window) ?? 0);
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
    const size = statSync(file.path, { throwIfNoEntry: false })?.size ?? 0;
    const before = file.size;
    file.size = size;
    if (size === before) return false;
    const entry = `${size > before ? before : 0} ${Math.round(this.#now())}\n`;
    try {
      // Shorter: the file was emptied, and what the index says of it is no longer true.
      if (size > before) appendFileSync(indexPath(file.path), entry, { mode: 0o600 });
      else writeFileSync(indexPath(file.path), size === 0 ? '' : entry, { mode: 0o600 });
    } catch (error) {
      // The container's directory may be removed at any moment, with its log.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    return size > 0;
  }
}

function stop(file: Indexed): void {
  file.watch?.close();
  clearTimeout(file.timer);
  file.watch = undefined;
  file.timer = undefined;
}

/**
 * Size to begin with. What is there already was written at an unknown time: in a file with an index it belongs to the
 * last entry; without one the whole file is new.
 */
function knownSize(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  try {
    return parseEntries(readFileSync(indexPath(path), 'latin1')).length > 0 ? size : 0;
  } catch {
    return 0;
  }
}
