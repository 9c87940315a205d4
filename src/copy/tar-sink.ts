import { BLOCK, padded } from '../image/tar/header.ts';
import type { Entry, Piece, Sink } from './entry.ts';
import { encodeHeader } from './tar-header.ts';

/** Writes entries as a tar archive (pax). `write` takes bytes that may change once it has resolved. */
export class TarSink implements Sink {
  readonly #write: (bytes: Uint8Array) => Promise<void>;

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** A file that became shorter meanwhile is filled up with zeros: its size has been written already. */
  async put(entry: Entry, data: AsyncIterable<Piece>): Promise<void> {
    await this.#write(encodeHeader(entry));
    let written = 0;
    for await (const { bytes } of data) {
      await this.#write(bytes);
      written += bytes.length;
    }
    await this.#zeros(padded(entry.size) - written);
  }

  hasMade(): boolean {
    return false;
  }

  async end(): Promise<void> {
    await this.#zeros(2 * BLOCK);
  }

  async #zeros(count: number): Promise<void> {
    const block = Buffer.alloc(Math.min(count, 1 << 16));
    for (let left = count; left > 0; left -= block.length)
      await this.#write(block.subarray(0, Math.min(left, block.length)));
  }
}
