import { printable } from '../image/errors.ts';
import { PAX_BYTES } from '../image/limits.ts';
import { BLOCK, padded } from '../image/tar/header.ts';
import type { Entry, Notice, Piece, Sink } from './entry.ts';
import { encodeHeader } from './tar-header.ts';
import { NO_XATTRS, type Xattrs } from './xattrs.ts';

/** Go's archive/tar and our reader take 1 MiB of records; the rest is for long names. */
const XATTR_RECORDS_BYTES = PAX_BYTES - (1 << 16);
/** A record's length, keyword and separators, and a name with escapes. */
const RECORD_BYTES = 600;

/** Writes entries as a tar archive (pax). `write` takes bytes that may change once it has resolved. */
export class TarSink implements Sink {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #notice: Notice;

  constructor(write: (bytes: Uint8Array) => Promise<void>, notice: Notice) {
    this.#write = write;
    this.#notice = notice;
  }

  /** A file that became shorter meanwhile is filled up with zeros: its size has been written already. */
  async put(entry: Entry, data: AsyncIterable<Piece>): Promise<void> {
    await this.#write(encodeHeader({ ...entry, xattrs: this.#readable(entry) }));
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

  /** Readers refuse an extended header that is longer than they expect, and the archive with it. */
  #readable({ path, xattrs }: Entry): Xattrs {
    const bytes = [...xattrs].reduce((sum, [name, value]) => sum + name.length + value.length + RECORD_BYTES, 0);
    if (bytes <= XATTR_RECORDS_BYTES) return xattrs;
    this.#notice(`The extended attributes of ${printable(path.join('/'))} are left out: too many for an archive`);
    return NO_XATTRS;
  }

  async #zeros(count: number): Promise<void> {
    const block = Buffer.alloc(Math.min(count, 1 << 16));
    for (let left = count; left > 0; left -= block.length)
      await this.#write(block.subarray(0, Math.min(left, block.length)));
  }
}
