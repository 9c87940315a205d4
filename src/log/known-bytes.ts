import type { LogFile } from './log-file.ts';

/** Bytes that are remembered before the place up to which a file is known, and of its start. */
const BEFORE = 256;
const START = 512;
const NOTHING = Buffer.alloc(0);

/**
 * What was seen of a file that only grows, so that it can be said later whether it was emptied meanwhile (by a container
 * that opens `/dev/stdout` with O_TRUNC) and has perhaps grown again: then its size says nothing. A file that has come to
 * the very same bytes counts as never emptied; so does one that somebody wrote over beyond its start.
 */
export class KnownBytes {
  #end = 0;
  #before: Buffer = NOTHING;
  #start: Buffer = NOTHING;

  /** Up to `end` the file is known from now on. */
  see(file: LogFile, end: number): void {
    this.#end = end;
    this.#before = file.copyOf(Math.max(0, end - BEFORE), Math.min(end, BEFORE));
    this.#start = NOTHING;
    this.#seeStart(file);
  }

  /** `bytes` came behind what is known: they are kept from here, lest what lies there by now is taken for them. */
  append(file: LogFile, bytes: Uint8Array): void {
    this.#end += bytes.length;
    this.#before = Buffer.concat([this.#before, bytes.subarray(-BEFORE)]).subarray(-BEFORE);
    this.#seeStart(file);
  }

  /** Whether the file was emptied since; it may be another descriptor of it. */
  emptied(file: LogFile): boolean {
    if (file.size() < this.#end) return true;
    const before = file.copyOf(this.#end - this.#before.length, this.#before.length);
    return !isStill(before, this.#before) && !isStill(file.copyOf(0, this.#start.length), this.#start);
  }

  #seeStart(file: LogFile): void {
    const length = Math.min(this.#end, START);
    if (this.#start.length < length) this.#start = file.copyOf(0, length);
  }
}

/** A size limit may have made a hole of them meanwhile, which reads as NUL. */
function isStill(now: Buffer, known: Buffer): boolean {
  if (now.equals(known)) return true;
  return now.length === known.length && now.every((byte, at) => byte === 0 || byte === known[at]);
}
