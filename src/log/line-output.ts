const CAPACITY = 1 << 20;
const NEWLINE = 10;

/** Takes bytes away; they may be overwritten when it has resolved. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

/** Gathers lines in one buffer and hands it to the sink when it is full, so that a line costs no allocation. */
export class LineOutput {
  readonly #sink: Sink;
  readonly #buffer = Buffer.allocUnsafe(CAPACITY);
  #used = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#put(bytes, 0, bytes.length)) return;
    await this.flush();
    if (!this.#put(bytes, 0, bytes.length)) await this.#sink(bytes);
  }

  /** Every complete line of `bytes`, each behind `prefix`. Gives the number of bytes that they took. */
  async writeLines(bytes: Buffer, prefix: Buffer): Promise<number> {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE) + 1; end > 0; end = bytes.indexOf(NEWLINE, start) + 1) {
      if (!this.#putLine(prefix, bytes, start, end)) {
        await this.flush();
        if (!this.#putLine(prefix, bytes, start, end)) {
          await this.#sink(prefix);
          await this.#sink(bytes.subarray(start, end));
        }
      }
      start = end;
    }
    return start;
  }

  async flush(): Promise<void> {
    const used = this.#used;
    this.#used = 0;
    if (used > 0) await this.#sink(this.#buffer.subarray(0, used));
  }

  #putLine(prefix: Buffer, bytes: Buffer, start: number, end: number): boolean {
    if (this.#used + prefix.length + end - start > CAPACITY) return false;
    this.#used += prefix.copy(this.#buffer, this.#used);
    this.#used += bytes.copy(this.#buffer, this.#used, start, end);
    return true;
  }

  #put(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#used + end - start > CAPACITY) return false;
    this.#buffer.set(bytes.subarray(start, end), this.#used);
    this.#used += end - start;
    return true;
  }
}
