import { LineOutput, type Sink } from './line-output.ts';
import { LogCursor, type LogSource, type StartOptions } from './log-cursor.ts';
import { WINDOW } from './log-file.ts';
import { type FileWatch, watchFile } from './watch-file.ts';

/** What is read, and how long. */
export interface LogOptions extends StartOptions {
  /** Go on with what is written, until `finish()`. */
  readonly follow: boolean;
  /** Put the time (RFC 3339, UTC) before every line. */
  readonly timestamps: boolean;
}

type Encode = NonNullable<LogSource['encode']>;

/** What a line begins with. */
interface LineStart {
  readonly prefix: Buffer;
  readonly timeMs: number;
}

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
const LINE_BREAK = Buffer.from('\n');

/**
 * Reads the output of containers, that of several merged by time. What is there comes first, then, with `follow`, what
 * is written. Lines are whole: the beginning of a line that has a prefix waits for its end.
 */
export class LogReader {
  readonly #cursors: readonly LogCursor[];
  readonly #options: LogOptions;
  readonly #output: LineOutput;
  readonly #changed = new Set<LogCursor>();
  #wake = Promise.withResolvers<void>();
  #finishing = false;

  constructor(sources: readonly LogSource[], options: LogOptions, sink: Sink) {
    const window = Buffer.allocUnsafe(WINDOW);
    this.#cursors = sources.map((source) => new LogCursor(source, window));
    this.#options = options;
    this.#output = new LineOutput(sink);
  }

  /** Resolves when all has been read; with `follow` after `finish()`. To be called once. */
  async run(): Promise<void> {
    const watches = this.#options.follow ? this.#watchAll() : [];
    try {
      for (const cursor of this.#cursors) cursor.start(this.#options);
      await this.#readMerged();
      await this.#output.flush();
      if (this.#options.follow) await this.#follow();
      for (const cursor of this.#cursors) await this.#endLine(cursor);
      await this.#output.flush();
    } finally {
      for (const watch of watches) watch.close();
      for (const cursor of this.#cursors) cursor.close();
    }
  }

  /** Ends following when all that was written until now has been read. */
  finish(): void {
    this.#finishing = true;
    this.#wake.resolve();
  }

  #watchAll(): FileWatch[] {
    return this.#cursors.flatMap((cursor) => {
      const changed = () => {
        this.#changed.add(cursor);
        this.#wake.resolve();
      };
      return watchFile(cursor.source.path, changed) ?? [];
    });
  }

  /** Takes, again and again, the lines of the oldest index entry that is left. */
  async #readMerged(): Promise<void> {
    const [only] = this.#cursors;
    if (only !== undefined && this.#cursors.length === 1 && !this.#needsTime(only)) {
      await this.#copy(only, only.end, 0);
      return;
    }
    let open = this.#cursors.filter(({ position, end }) => position < end);
    while (open.length > 0) {
      const oldest = open.reduce((best, each) => (timeOf(each) < timeOf(best) ? each : best));
      const next = Math.min(oldest.index.nextAfter(oldest.position), oldest.end);
      const to = oldest.file?.lineStart(next, oldest.end) ?? oldest.end;
      await this.#copy(oldest, to, timeOf(oldest));
      // Short of that: the rest is a line without end.
      if (oldest.position < to || to === oldest.end) open = open.filter((each) => each !== oldest);
    }
  }

  async #follow(): Promise<void> {
    for (let last = false; !last; ) {
      // What is written before finish() is called is in the file by now: one more look gets it all.
      last = this.#finishing;
      const due = last ? this.#cursors : [...this.#changed];
      this.#changed.clear();
      for (const cursor of due) await this.#readNew(cursor);
      await this.#output.flush();
      if (!last && !this.#finishing && this.#changed.size === 0) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }

  async #readNew(cursor: LogCursor): Promise<void> {
    if (cursor.refresh()) await this.#breakOff(cursor);
    await this.#copy(cursor, cursor.end, Date.now());
    if (!cursor.replace()) return;
    await this.#copy(cursor, cursor.end, Date.now());
  }

  /** Prints up to `to`; stops before a last line that has a prefix and no end yet. */
  async #copy(cursor: LogCursor, to: number, timeMs: number): Promise<void> {
    const prefix = this.#prefixOf(cursor.source, timeMs);
    for (let taken = 1; taken > 0 && cursor.position < to; ) {
      const { bytes, dropped } = cursor.read(to);
      if (dropped) await this.#breakOff(cursor);
      // Its end lies before `to`: it was emptied.
      taken = bytes.length === 0 ? 0 : await this.#copyLines(cursor, bytes, { prefix, timeMs });
      cursor.pass(bytes.subarray(0, taken));
    }
  }

  /** The rest of the line that was begun is gone. */
  async #breakOff(cursor: LogCursor): Promise<void> {
    if (cursor.midLine) await this.#output.write(LINE_BREAK);
    cursor.midLine = false;
  }

  /** Gives the number of bytes that were printed; 0 when a line's end is not there yet. */
  async #copyLines(cursor: LogCursor, bytes: Buffer, { prefix, timeMs }: LineStart): Promise<number> {
    const { encode } = cursor.source;
    if (encode === undefined && (prefix.length === 0 || cursor.midLine)) {
      const end = prefix.length === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
      const part = end === 0 ? bytes : bytes.subarray(0, end);
      await this.#output.write(part);
      cursor.midLine = part.at(-1) !== NEWLINE;
      return part.length;
    }
    const taken =
      encode === undefined
        ? await this.#output.writeLines(bytes, prefix)
        : await this.#encodeLines(encode, bytes, timeMs);
    if (taken > 0 || bytes.length < WINDOW) return taken;
    // A line longer than a window is printed in pieces.
    await this.#output.write(encode === undefined ? prefix : encoded(encode, bytes, timeMs));
    if (encode === undefined) await this.#output.write(bytes);
    cursor.midLine = encode === undefined;
    return bytes.length;
  }

  async #encodeLines(encode: Encode, bytes: Buffer, timeMs: number): Promise<number> {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      await this.#output.write(encoded(encode, bytes.subarray(start, end), timeMs));
      start = end + 1;
    }
    return start;
  }

  /** The last line of a file may have no line break: with a prefix it gets one, lest the next prefix stand in it. */
  async #endLine(cursor: LogCursor): Promise<void> {
    const { source, end, midLine } = cursor;
    const rest = Buffer.from(cursor.read(end).bytes);
    if (rest.length === 0 && !midLine) return;
    const timeMs = this.#needsTime(cursor) ? cursor.index.timeAt(cursor.position) : 0;
    const prefix = midLine ? NOTHING : this.#prefixOf(source, timeMs);
    if (source.encode !== undefined) await this.#output.write(encoded(source.encode, rest, timeMs));
    else if (source.prefix === '' && !this.#options.timestamps) await this.#output.write(rest);
    else await this.#output.write(Buffer.concat([prefix, rest, LINE_BREAK]));
  }

  #needsTime({ source }: LogCursor): boolean {
    return this.#options.timestamps || source.encode !== undefined;
  }

  #prefixOf({ prefix }: LogSource, timeMs: number): Buffer {
    return this.#options.timestamps ? Buffer.from(`${prefix}${new Date(timeMs).toISOString()} `) : Buffer.from(prefix);
  }
}

function encoded(encode: Encode, line: Buffer, timeMs: number): Buffer {
  return Buffer.from(`${encode(line.toString(), timeMs)}\n`);
}

function timeOf(cursor: LogCursor): number {
  return cursor.index.timeAt(cursor.position);
}
