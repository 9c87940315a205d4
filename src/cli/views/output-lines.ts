import { withoutControls } from '../../lib/printable-lines.ts';

/** A line that is longer comes in pieces. */
const LONGEST = 16_384;

/** Makes lines of what a program writes piece by piece, without control characters. */
export class OutputLines {
  #open = '';

  /** The lines that this piece completes. */
  add(text: string): readonly string[] {
    const lines = (this.#open + text).split('\n');
    this.#open = lines.pop() ?? '';
    if (this.#open.length > LONGEST) {
      lines.push(this.#open);
      this.#open = '';
    }
    return lines.map(shown);
  }

  /** What has no line break yet, as it looks now; empty: nothing. */
  get open(): string {
    return shown(this.#open);
  }

  /** The last line, where it has no line break. */
  end(): readonly string[] {
    const rest = this.#open;
    this.#open = '';
    return rest === '' ? [] : [shown(rest)];
  }
}

/** Of a line that is written over with carriage returns what is seen in the end. */
function shown(line: string): string {
  const versions = line.split('\r').filter((each) => each !== '');
  return withoutControls(versions.at(-1) ?? '');
}
