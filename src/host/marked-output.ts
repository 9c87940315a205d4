import { closeSync, openSync, writeSync } from 'node:fs';

const NEWLINE = 10;
/** A line without an end is written in pieces of this size. */
const LONGEST = 64 * 1024;

/** Appends output to a file, a mark before each line; other programs may write there too. Must be closed; twice is fine. */
export class MarkedOutput {
  readonly #mark: Buffer;
  #file: number | undefined;
  #rest = Buffer.alloc(0);

  constructor({ path, mark }: { readonly path: string; readonly mark: string }) {
    this.#mark = Buffer.from(mark);
    this.#file = openSync(path, 'a', 0o600);
  }

  add(chunk: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let end = this.#rest.indexOf(NEWLINE); end !== -1; end = this.#rest.indexOf(NEWLINE)) this.#write(end + 1);
    while (this.#rest.length > LONGEST) this.#write(LONGEST, '\n');
  }

  close(): void {
    if (this.#rest.length > 0) this.#write(this.#rest.length, '\n');
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** One write a line: what others append meanwhile does not come into the middle of it. */
  #write(length: number, end = ''): void {
    const line = Buffer.concat([this.#mark, this.#rest.subarray(0, length), Buffer.from(end)]);
    this.#rest = this.#rest.subarray(length);
    if (this.#file !== undefined) writeSync(this.#file, line);
  }
}
