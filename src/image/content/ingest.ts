import type { Hash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { TsstackError } from '../../model/error.ts';
import { hashFor } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { syncDirectory } from './atomic-file.ts';

/** What a blob must turn out to be. */
export interface Expected {
  readonly digest: string;
  readonly size: number;
}

const CHUNK = 256 * 1024;

/**
 * A blob on its way into the store. Bytes are hashed as they come and counted against the size that was promised; the
 * file gets its name in the store when both are right and all of it is on the disk. What a broken transfer has left,
 * in this process or one before, is hashed again and continued.
 */
export class Ingest {
  readonly #expected: Expected;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash: Hash;
  #offset = 0;
  #open = true;

  /** `path`: where the unfinished blob lies, the same whenever this blob is asked for. */
  constructor(path: string, expected: Expected) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#expected = expected;
    this.#path = path;
    this.#hash = hashFor(expected.digest);
    this.#fd = openSync(path, 'a+', 0o600);
    if (statSync(path).size > expected.size) ftruncateSync(this.#fd);
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let count = -1; count !== 0; this.#offset += count) {
      count = readSync(this.#fd, buffer, 0, CHUNK, this.#offset);
      this.#hash.update(buffer.subarray(0, count));
    }
  }

  /** Bytes that are there already: what comes next begins behind them. */
  get offset(): number {
    return this.#offset;
  }

  /** Throws `image-invalid` when more comes than was promised. */
  write(chunk: Buffer): void {
    if (this.#offset + chunk.length > this.#expected.size) {
      this.discard();
      throw imageInvalid(
        `the blob ${this.#expected.digest} is longer than the ${this.#expected.size} bytes it should have`,
      );
    }
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
    this.#hash.update(chunk);
    this.#offset += chunk.length;
  }

  /** Gives the blob its place. Throws `image-invalid` when it is not what was promised; then nothing of it is kept. */
  finish(place: string): void {
    const { digest, size } = this.#expected;
    if (this.#offset < size)
      throw new TsstackError('image-invalid', `the blob ${digest} ended after ${this.#offset} of ${size} bytes`);
    const found = `${digest.slice(0, digest.indexOf(':'))}:${this.#hash.digest('hex')}`;
    if (found !== digest) {
      this.discard();
      throw imageInvalid(`a blob has the digest ${found}, not ${digest}`);
    }
    fsyncSync(this.#fd);
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    renameSync(this.#path, place);
    syncDirectory(dirname(place));
    this.suspend();
  }

  /** Leaves what has come for a later attempt. */
  suspend(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  discard(): void {
    rmSync(this.#path, { force: true });
    this.suspend();
  }
}
