const MOST_LINES = 20;
const LONGEST = 4000;

/** Keeps the end of what a program writes. */
export class LastLines {
  #text = '';

  add(text: string): void {
    this.#text = (this.#text + text).slice(-MOST_LINES * LONGEST);
    const lines = this.#text.split('\n');
    if (lines.length > MOST_LINES + 1) this.#text = lines.slice(-MOST_LINES - 1).join('\n');
  }

  /** Without control characters, which a program may have meant for a terminal. */
  lines(): readonly string[] {
    const lines = this.#text.replace(/\n$/, '').split('\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away.
    const plain = lines.map((line) =>
      line.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g, '').slice(0, LONGEST),
    );
    return plain.length === 1 && plain[0] === '' ? [] : plain.slice(-MOST_LINES);
  }
}
