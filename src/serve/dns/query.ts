import { decode } from 'dns-packet';

/** A question as it came, with what an answer must take from it. */
export interface Query {
  readonly id: number;
  /** In lower case without the last dot; empty: the root. A dot or backslash in a label has a backslash before it. */
  readonly name: string;
  readonly type: number;
  /** Bytes of the header and the question. */
  readonly end: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** Absent: EDNS is not spoken (RFC 6891). */
  readonly edns?: { readonly payloadBytes: number; readonly dnssec: boolean };
}

/** What becomes of a packet: a question, an error that is answered, or silence. */
export type Parsed =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'error'; readonly rcode: number; readonly query?: Query }
  | { readonly kind: 'silence' };

export const HEADER_BYTES = 12;
/** RFC 1035, 4.2.1. */
export const PLAIN_PAYLOAD_BYTES = 512;
/** More than this is not sent in one datagram, whatever is asked for. */
const MOST_PAYLOAD_BYTES = 4096;

/** Response codes, https://www.iana.org/assignments/dns-parameters. */
export const RCODE = {
  ok: 0,
  format: 1,
  failure: 2,
  noName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;
/** Types of records, the same. */
export const TYPE = { a: 1, ptr: 12, hinfo: 13, aaaa: 28, srv: 33, opt: 41, any: 255 } as const;
/** Types that are operations: zone transfers, and others that ended with RFC 1035 (128 to 254 are no data). */
const FIRST_META_TYPE = 128;

const CLASS_IN = 1;
const MOST_NAME_BYTES = 255;
const MOST_LABEL_BYTES = 63;

const SILENCE: Parsed = { kind: 'silence' };
const lowered = Buffer.alloc(MOST_NAME_BYTES * 2);

/** Reads a packet that anybody may have sent. An answer, or less than a header, is never answered. */
export function parseQuery(packet: Buffer): Parsed {
  if (packet.length < HEADER_BYTES) return SILENCE;
  const flags = packet.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return SILENCE;
  if ((flags & 0x7800) !== 0) return { kind: 'error', rcode: RCODE.notImplemented };
  if (packet.readUInt16BE(4) !== 1) return { kind: 'error', rcode: RCODE.format };
  const read = readName(packet);
  if (read === undefined || read.end + 4 > packet.length) return { kind: 'error', rcode: RCODE.format };
  const end = read.end + 4;
  const plain: Query = {
    id: packet.readUInt16BE(0),
    name: read.name,
    type: packet.readUInt16BE(read.end),
    end,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
  };
  const edns = readEdns(packet, end);
  if (edns === 'malformed') return { kind: 'error', rcode: RCODE.format, query: plain };
  const query = edns === undefined ? plain : { ...plain, edns };
  if (edns !== undefined && edns.version > 0) return { kind: 'error', rcode: RCODE.badVersion, query };
  if (query.type === TYPE.opt || query.type === 0) return { kind: 'error', rcode: RCODE.format, query };
  const isData = query.type < FIRST_META_TYPE || query.type >= TYPE.any;
  if (packet.readUInt16BE(read.end + 2) !== CLASS_IN || !isData) {
    return { kind: 'error', rcode: RCODE.notImplemented, query };
  }
  return { kind: 'query', query };
}

/** The name of the question, which is never compressed: nothing is before it. */
function readName(packet: Buffer): { readonly name: string; readonly end: number } | undefined {
  let at = HEADER_BYTES;
  let length = 0;
  for (;;) {
    const size = packet[at];
    if (size === undefined || size > MOST_LABEL_BYTES || at + 1 + size > packet.length) return undefined;
    at += 1;
    if (at + size - HEADER_BYTES > MOST_NAME_BYTES) return undefined;
    if (size === 0) return { name: lowered.toString('latin1', 0, Math.max(0, length - 1)), end: at };
    for (const last = at + size; at < last; at += 1) {
      const byte = packet[at] ?? 0;
      if (byte === 0x2e || byte === 0x5c) lowered[length++] = 0x5c;
      lowered[length++] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    }
    lowered[length++] = 0x2e;
  }
}

interface Edns {
  readonly version: number;
  readonly payloadBytes: number;
  readonly dnssec: boolean;
}

/** The OPT record, RFC 6891. Nearly always it is all that follows the question. */
function readEdns(packet: Buffer, end: number): Edns | undefined | 'malformed' {
  if (packet.readUInt32BE(6) === 0 && packet.readUInt16BE(10) === 0) return undefined;
  const alone = packet.readUInt32BE(6) === 0 && packet.readUInt16BE(10) === 1 && packet[end] === 0;
  if (alone && end + 11 <= packet.length && packet.readUInt16BE(end + 1) === TYPE.opt) {
    if (end + 11 + packet.readUInt16BE(end + 9) > packet.length) return 'malformed';
    const dnssec = ((packet[end + 7] ?? 0) & 0x80) !== 0;
    return { version: packet[end + 6] ?? 0, payloadBytes: payload(packet.readUInt16BE(end + 3)), dnssec };
  }
  try {
    const options = (decode(packet).additionals ?? []).filter((record) => record.type === 'OPT');
    const [only] = options;
    if (only === undefined) return undefined;
    if (options.length > 1) return 'malformed';
    return { version: only.ednsVersion, payloadBytes: payload(only.udpPayloadSize), dnssec: only.flag_do };
  } catch {
    return 'malformed';
  }
}

function payload(bytes: number): number {
  return Math.min(MOST_PAYLOAD_BYTES, Math.max(PLAIN_PAYLOAD_BYTES, bytes));
}
