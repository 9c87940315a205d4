import { createContext, Script } from 'node:vm';
import { KnownBytes } from './known-bytes.ts';
import { LogFile, WINDOW } from './log-file.ts';

/** No line is looked at beyond this, and no look takes longer: a pattern may backtrack without end. */
const LONGEST_LINE = 4096;
const LONGEST_LOOK_MS = 50;
/** A busy machine may leave us waiting for as long, at any pattern: only what takes long so often is passed over. */
const PATIENCE = 3;
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
  /** How often what lies at the offset has taken too long. */
  #slow = 0;

  constructor(path: string, fromByte: number, pattern: string) {
    this.#path = path;
    this.#offset = fromByte;
    this.#sandbox = { lines: [], pattern: new RegExp(pattern, 'u') };
    createContext(this.#sandbox);
  }

  /** Looks at what has been written since. Throws when the pattern takes too long for it; after some times it is passed over. */
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
        this.#found = this.#matches(bytes.toString(), whole);
        this.#offset += whole;
        if (whole === 0) break;
      }
      this.#known.see(file, this.#offset);
    } finally {
      file.close();
    }
    return this.#found;
  }

  /** `whole`: how many bytes are passed over when it has taken too long too often. */
  #matches(text: string, whole: number): boolean {
    this.#sandbox.lines = text.split('\n').map((line) => line.slice(0, LONGEST_LINE).replace(/\r$/, ''));
    try {
      const found = SCRIPT.runInContext(this.#sandbox, { timeout: LONGEST_LOOK_MS }) === true;
      this.#slow = 0;
      return found;
    } catch (error) {
      this.#slow += 1;
      if (this.#slow === PATIENCE) {
        this.#slow = 0;
        this.#offset += whole;
      }
      throw new Error(`the pattern takes longer than ${LONGEST_LOOK_MS} ms`, { cause: error });
    }
  }
}
