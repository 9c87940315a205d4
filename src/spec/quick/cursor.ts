import type { Origin, Source } from '../source.ts';

/** Thrown where a text leaves what the quick reader knows; the full parser reads it then. */
export class Unusual extends Error {
  override readonly name = 'Unusual';
}

/** A place in a text that moves forward. */
export class Cursor {
  readonly source: Source;
  readonly text: string;
  at = 0;
  /** Offset of the first character of the line that `at` is in. */
  lineStart = 0;

  constructor(source: Source) {
    this.source = source;
    this.text = source.text;
  }

  /** The code of the character here, NaN at the end. */
  get code(): number {
    return this.text.charCodeAt(this.at);
  }

  get column(): number {
    return this.at - this.lineStart;
  }

  /** Moves over a sticky expression and gives what it matched; undefined, without moving, if it does not. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return undefined;
    const start = this.at;
    this.at = pattern.lastIndex;
    return this.text.slice(start, this.at);
  }

  skipSpaces(): void {
    while (this.code === char.space) this.at++;
  }

  /** To the first character of the next line that is neither blank nor a comment, or to the end of the text. */
  nextLine(): void {
    const { text } = this;
    let at = this.at;
    for (;;) {
      const end = text.indexOf('\n', at);
      if (end === -1) {
        this.at = text.length;
        this.lineStart = text.length;
        return;
      }
      this.lineStart = at = end + 1;
      while (text.charCodeAt(at) === char.space) at++;
      const code = text.charCodeAt(at);
      if (code === char.newline || code === char.hash) continue;
      this.at = at;
      return;
    }
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  place(start: number): Origin {
    return { source: this.source, start, end: this.at };
  }

  unusual(): never {
    throw new Unusual(`at ${this.at}`);
  }
}

/** Codes of the characters that mean something. */
export const char = {
  newline: 0x0a,
  space: 0x20,
  quote: 0x22,
  hash: 0x23,
  ampersand: 0x26,
  apostrophe: 0x27,
  asterisk: 0x2a,
  comma: 0x2c,
  dash: 0x2d,
  nine: 0x39,
  colon: 0x3a,
  openList: 0x5b,
  closeList: 0x5d,
  bar: 0x7c,
  openMap: 0x7b,
  closeMap: 0x7d,
} as const;

/** Whether a word ends here: a blank, a line break or the end of the text. */
export function isBlank(code: number): boolean {
  return code === char.space || code === char.newline || Number.isNaN(code);
}
