import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from './atomic-file.ts';
import type { Expected } from './ingest.ts';

/** A blob that is made here: what it is called is known when all of it has been written. */
export class NewIngest {
  /** Of its unfinished file. */
  readonly name = `new-${process.pid}-${randomBytes(6).toString('hex')}`;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  #size = 0;
  #open = true;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#path = `${directory}/${this.name}`;
    this.#fd = openSync(this.#path, 'wx', 0o600);
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Gives the blob its place, of which a whole one may be there already. */
  finish(placeOf: (digest: string) => string): Expected {
    const digest = `sha256:${this.#hash.digest('hex')}`;
    const place = placeOf(digest);
    fsyncSync(this.#fd);
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    renameSync(this.#path, place);
    syncDirectory(dirname(place));
    return { digest, size: this.#size };
  }

  /** Takes away what has not been finished. May be called twice, and after `finish()`. */
  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}
