import { HEADER_BYTES, TYPE } from './query.ts';

/** An answer of others, with what must be changed in it when it is given again. */
export interface Stored {
  readonly packet: Buffer;
  /** Where its records keep their seconds. */
  readonly ttlOffsets: readonly number[];
  readonly storedMs: number;
  readonly expiresMs: number;
}

const MOST_ENTRIES = 2000;
const MOST_ENTRY_BYTES = 8192;
const MOST_BYTES = 2 * 2 ** 20;
/** Nothing is kept for longer, whatever its owner says (an hour), and that there is nothing for a minute at most. */
const MOST_TTL = 3600;
const MOST_NEGATIVE_TTL = 60;
const TYPE_SOA = 6;

/** Answers of others for as long as these may be kept, bounded in number and bytes: the oldest used goes first. */
export class AnswerCache {
  readonly #entries = new Map<string, Stored>();
  #bytes = 0;

  get(key: string, nowMs: number): Stored | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresMs <= nowMs) {
      this.#bytes -= entry.packet.length;
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, packet: Buffer, nowMs: number): void {
    const times = readTimes(packet);
    if (times === undefined || times.ttl === 0 || packet.length > MOST_ENTRY_BYTES) return;
    const old = this.#entries.get(key);
    if (old !== undefined) this.#drop(key, old);
    this.#entries.set(key, {
      packet,
      ttlOffsets: times.offsets,
      storedMs: nowMs,
      expiresMs: nowMs + times.ttl * 1000,
    });
    this.#bytes += packet.length;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= MOST_ENTRIES && this.#bytes <= MOST_BYTES) break;
      this.#drop(oldest, entry);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  get size(): number {
    return this.#entries.size;
  }

  #drop(key: string, entry: Stored): void {
    this.#entries.delete(key);
    this.#bytes -= entry.packet.length;
  }
}

/** A copy of an answer with the seconds that are left. */
export function aged({ packet, ttlOffsets, storedMs }: Stored, nowMs: number): Buffer {
  const copy = Buffer.from(packet);
  const seconds = Math.floor((nowMs - storedMs) / 1000);
  if (seconds === 0) return copy;
  for (const offset of ttlOffsets) copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(offset) - seconds), offset);
  return copy;
}

interface Times {
  /** Seconds that the whole may be kept; 0: not at all. */
  readonly ttl: number;
  readonly offsets: readonly number[];
}

/** Reads the records of an answer; undefined: it is damaged. */
export function readTimes(packet: Buffer): Times | undefined {
  const rcode = (packet[3] ?? 0) & 0x0f;
  const counts = [packet.readUInt16BE(6), packet.readUInt16BE(8), packet.readUInt16BE(10)];
  let at = skipName(packet, HEADER_BYTES);
  if (at === undefined) return undefined;
  at += 4;
  const offsets: number[] = [];
  let ttl = MOST_TTL;
  let negativeTtl: number | undefined;
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index += 1) {
      const start: number | undefined = skipName(packet, at);
      if (start === undefined || start + 10 > packet.length) return undefined;
      const type = packet.readUInt16BE(start);
      const end: number = start + 10 + packet.readUInt16BE(start + 8);
      if (end > packet.length) return undefined;
      if (type !== TYPE.opt) {
        // A value with the highest bit set counts as 0, RFC 2181, 8.
        const own = packet.readInt32BE(start + 4);
        offsets.push(start + 4);
        ttl = Math.min(ttl, Math.max(0, own));
        if (section === 1 && type === TYPE_SOA && end - start >= 14)
          negativeTtl = Math.min(own, packet.readUInt32BE(end - 4));
      }
      at = end;
    }
  }
  // RFC 2308: that there is nothing is kept for as long as the zone says, and not at all where it says nothing.
  const isNegative = rcode === 3 || counts[0] === 0;
  if (rcode !== 0 && rcode !== 3) return { ttl: 0, offsets };
  return { ttl: isNegative ? Math.max(0, Math.min(ttl, negativeTtl ?? 0, MOST_NEGATIVE_TTL)) : ttl, offsets };
}

/** Where a name ends; a pointer ends it. */
function skipName(packet: Buffer, from: number): number | undefined {
  for (let at = from; ; ) {
    const size = packet[at];
    if (size === undefined) return undefined;
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2;
    if (size > 63) return undefined;
    at += 1 + size;
  }
}
