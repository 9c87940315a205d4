import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';

interface Logs {
  /** A path in the directory of the test. */
  readonly at: (...names: readonly string[]) => string;
  /** Writes a log, with its index, and gives its path. */
  readonly file: (name: string, bytes: string | Uint8Array, index?: string) => string;
}

/** Gives every test of the file a directory of its own for its logs. */
export function useLogs(): Logs {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsstack-log-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const at = (...names: readonly string[]) => join(directory, ...names);
  const file = (name: string, bytes: string | Uint8Array, index?: string) => {
    writeFileSync(at(name), bytes);
    if (index !== undefined) writeFileSync(`${at(name)}.index`, index);
    return at(name);
  };
  return { at, file };
}

/** Lines of eight bytes. */
export function numbered(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `${String(from + index).padStart(7, '0')}\n`).join('');
}

/** The number of a line of `numbered()` behind the prefix `p`; NaN of a torn one. */
export function numberOf(line: string): number {
  return Number(/^p (\d{7})$/.exec(line)?.[1]);
}

/** Makes the beginning of a file a hole; its size stays. */
export function punch(path: string, length: number): void {
  execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', String(length), path]);
}

/** Collects what a reader prints, and tells when there is enough of it. */
export class Collector {
  #bytes = Buffer.alloc(0);
  #waiting: { readonly length: number; readonly done: () => void } | undefined;

  readonly sink = async (bytes: Uint8Array): Promise<void> => {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.#waiting !== undefined && this.#bytes.length >= this.#waiting.length) this.#waiting.done();
  };

  get bytes(): Buffer {
    return this.#bytes;
  }

  async until(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { length: Buffer.byteLength(text), done: resolve };
    if (this.#bytes.length >= this.#waiting.length) return;
    await promise;
  }
}

export const MEGA = 1 << 20;
