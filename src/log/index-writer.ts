import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { indexPath, parseEntries } from './time-index.ts';
import { type FileWatch, watchFile } from './watch-file.ts';

/** How a `LogIndexer` tells time. */
export interface LogIndexerOptions {
  /** Least time between two entries of a file. Default 100. */
  readonly gapMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface Indexed {
  readonly path: string;
  /** Size when it was last looked at: what comes behind it is new. */
  size: number;
  watch: FileWatch | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Notes when log files grow, in the index beside each. A file that has just grown is left alone for `gapMs`, so that a
 * container that writes without pause costs ten looks a second and not one a write. Nothing here is needed for the
 * output itself: lines that were written while nobody noted it have the time of the entry before.
 */
export class LogIndexer {
  readonly #files = new Map<string, Indexed>();
  readonly #gapMs: number;
  readonly #now: () => number;

  constructor({ gapMs = 100, now = Date.now }: LogIndexerOptions = {}) {
    this.#gapMs = gapMs;
    this.#now = now;
  }

  /** Begins to watch a log file, which need not be there yet; its directory must be. Twice is once. */
  add(path: string): void {
    if (this.#files.has(path)) return;
    const file: Indexed = { path, size: knownSize(path), watch: undefined, timer: undefined };
    this.#files.set(path, file);
    this.#look(file);
  }

  /** Notes what has grown until now and forgets the file. One that is not watched is fine. */
  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    stop(file);
    this.#note(file);
  }

  /** Forgets all files; twice is fine. */
  close(): void {
    for (const path of [...this.#files.keys()]) this.remove(path);
  }

  #look(file: Indexed): void {
    stop(file);
    // First watch, then look: what is written in between is seen by the one or the other.
    file.watch = watchFile(file.path, () => this.#look(file));
    if (!this.#note(file)) return;
    stop(file);
    file.timer = setTimeout(() => this.#look(file), this.#gapMs).unref();
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
