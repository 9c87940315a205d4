import { imageInvalid } from '../errors.ts';

/** Exact amounts out of a stream of chunks, without waiting as long as enough is there. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined at the end of the stream. Throws `image-invalid` when it ends within. */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.#buffered < length && (await this.#fill()));
    if (this.#buffered === 0 && length > 0) return undefined;
    if (this.#buffered < length) throw truncated();
    return this.#take(length);
  }

  /** At least one byte, at most `length`, as they lie in memory. Throws `image-invalid` at the end. */
  async some(length: number): Promise<Buffer> {
    if (this.#buffered === 0 && !(await this.#fill())) throw truncated();
    return this.#take(Math.min(length, this.#chunks[0]?.length ?? 0));
  }

  /** The first bytes without taking them; fewer at the end of the stream. */
  async peek(length: number): Promise<Buffer> {
    while (this.#buffered < length && (await this.#fill()));
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length === 0 ? [] : [all];
    return all.subarray(0, length);
  }

  /** All that is left, in pieces. */
  async *rest(): AsyncGenerator<Buffer> {
    do {
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#buffered = 0;
      yield* chunks;
    } while (await this.#fill());
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.some(left)).length;
  }

  /** Reads to the end, so that what comes after an archive is counted and hashed too. */
  async drain(): Promise<void> {
    do {
      this.#chunks = [];
      this.#buffered = 0;
    } while (await this.#fill());
  }

  /** Lets the source end its work (processes, descriptors). */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#source.next();
    if (next.done === true) {
      this.#ended = true;
      return false;
    }
    if (next.value.length > 0) this.#chunks.push(next.value);
    this.#buffered += next.value.length;
    return true;
  }

  #take(length: number): Buffer {
    this.#buffered -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first !== undefined && first.length === length) {
      this.#chunks.shift();
      return first;
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}

function truncated(): Error {
  return imageInvalid('the archive ends in the middle of an entry');
}
