import { createContext, Script } from 'node:vm';
import { KnownBytes } from './known-bytes.ts';
import { LogFile, WINDOW } from './log-file.ts';

/** No line is looked at beyond this, and no look takes longer: a pattern may backtrack without end. */
const LONGEST_LINE = 4096;
const LONGEST_LOOK_MS = 50;
const NEWLINE = 10;
const SCRIPT = new Script('lines.some((line) => pattern.test(line))');

/**
 * Looks for a line that matches in what a log has from some byte on; from its start when it was emptied. Remembers how
 * far it got, and that it found one.
 */
export class LineMatcher {
  readonly #path: string;
  readonly #sandbox: { lines: readonly string[]; pattern: RegExp };
  readonly #known = new KnownBytes();
  #offset: number;
  #found = false;

  constructor(path: string, fromByte: number, pattern: string) {
    this.#path = path;
    this.#offset = fromByte;
    this.#sandbox = { lines: [], pattern: new RegExp(pattern, 'u') };
    createContext(this.#sandbox);
  }

  /** Looks at what has been written since. Throws when the pattern takes too long for it; that is then passed over. */
  look(): boolean {
    if (this.#found) return true;
    const file = LogFile.open(this.#path, Buffer.allocUnsafe(WINDOW));
    if (file === undefined) return false;
    try {
      if (this.#offset > file.size() || this.#known.emptied(file)) this.#offset = 0;
      for (let size = file.size(); !this.#found && this.#offset < size; ) {
        const { from, bytes } = file.kept(this.#offset, size);
        this.#offset = from;
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        // A line that has not ended is looked at, and again when there is more of it.
        const whole = end > 0 ? end : bytes.length === WINDOW ? bytes.length : 0;
        this.#offset += whole;
        this.#found = this.#matches(bytes.toString());
        if (whole === 0) break;
      }
      this.#known.see(file, this.#offset);
    } finally {
      file.close();
    }
    return this.#found;
  }

  #matches(text: string): boolean {
    this.#sandbox.lines = text.split('\n').map((line) => line.slice(0, LONGEST_LINE).replace(/\r$/, ''));
    try {
      return SCRIPT.runInContext(this.#sandbox, { timeout: LONGEST_LOOK_MS }) === true;
    } catch (error) {
      throw new Error(`the pattern takes longer than ${LONGEST_LOOK_MS} ms`, { cause: error });
    }
  }
}
