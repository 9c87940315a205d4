import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/** The index of times beside a log file. */
export function indexPath(logPath: string): string {
  return `${logPath}.index`;
}

/**
 * When the parts of a log file were written: entries `<offset> <timeMs>` in the order of offsets, made by `LogIndexer`.
 * Before them, where the container has emptied its log, a line says when that was seen last: `emptied <timeMs>`; and where
 * a size limit has dropped the front of the log, another says what is left: `start <offset>`.
 * The time of a line is that of the last entry at or before its first byte.
 */
export class TimeIndex {
  readonly #offsets: readonly number[];
  readonly #times: readonly number[];
  readonly #fallbackMs: number;

  /** `fallbackMs` is the time of what lies before the first entry. */
  constructor(text: string, fallbackMs: number) {
    const entries = parseEntries(text);
    this.#offsets = entries.map(([offset]) => offset);
    this.#times = entries.map(([, timeMs]) => timeMs);
    this.#fallbackMs = fallbackMs;
  }

  /** Reads the index of a log file; without one the whole file has the time of its birth (or, on file systems that keep none, its last change). */
  static of(logPath: string): TimeIndex {
    return new TimeIndex(readIfThere(indexPath(logPath)), birthOf(logPath));
  }

  /** Milliseconds since the epoch. */
  timeAt(offset: number): number {
    return this.#times[this.#after(offset) - 1] ?? this.#fallbackMs;
  }

  /** Offset of the first entry behind `offset`; infinite when there is none. */
  nextAfter(offset: number): number {
    return this.#offsets[this.#after(offset)] ?? Number.POSITIVE_INFINITY;
  }

  /** Where what was written at `timeMs` or later begins; infinite when nothing was. */
  offsetSince(timeMs: number): number {
    if (this.#fallbackMs >= timeMs) return 0;
    const at = this.#times.findIndex((time) => time >= timeMs);
    return this.#offsets[at] ?? Number.POSITIVE_INFINITY;
  }

  /** Number of entries at or before `offset`. */
  #after(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Complete, well-formed entries only: the last line may be half written. */
export function parseEntries(text: string): [offset: number, timeMs: number][] {
  return [...text.matchAll(/^(\d+) (\d+)\n/gm)].map(([, offset, timeMs]) => [Number(offset), Number(timeMs)]);
}

/** Bytes of the lines before the entries, at most. */
const HEAD = 64;

/** What an index says with `start <offset>`: where its log begins, since what was before was dropped. */
export function parseStart(text: string): number {
  return Number(/^start (\d+)\n/m.exec(text)?.[1] ?? 0);
}

/** The same of a log file; 0 without an index. */
export function readStart(logPath: string): number {
  return parseStart(readHead(logPath));
}

/** When the container of a log file was seen to have emptied it, the last time; milliseconds since the epoch. */
export function readEmptied(logPath: string): number | undefined {
  const time = /^emptied (\d+)\n/.exec(readHead(logPath))?.[1];
  return time === undefined ? undefined : Number(time);
}

function readHead(logPath: string): string {
  let fd: number;
  try {
    fd = openSync(indexPath(logPath), 'r');
  } catch {
    return '';
  }
  try {
    const bytes = Buffer.alloc(HEAD);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, HEAD, 0));
  } finally {
    closeSync(fd);
  }
}

/** The text of an index for a log that begins at `start` from now on: entries of what lies before are left out. */
export function indexFrom(text: string, start: number): string {
  const entries = parseEntries(text);
  const first = Math.max(
    entries.findLastIndex(([offset]) => offset <= start),
    0,
  );
  const emptied = /^emptied \d+\n/.exec(text)?.[0] ?? '';
  return [emptied, `start ${start}\n`, ...entries.slice(first).map(([offset, timeMs]) => `${offset} ${timeMs}\n`)].join(
    '',
  );
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function birthOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  // statx(2) gives no birth time on some file systems; Node then says 0.
  return stat.birthtimeMs > 0 ? stat.birthtimeMs : stat.mtimeMs;
}
