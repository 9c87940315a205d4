import { type Answer, encode } from 'dns-packet';
import { HEADER_BYTES, PLAIN_PAYLOAD_BYTES, type Query, RCODE, TYPE } from './query.ts';

/** What we answer by ourselves: records as bytes, ready to be put behind a question. */
export interface LocalAnswer {
  readonly rcode: number;
  /** Records of the name that was asked for. */
  readonly answers: readonly Buffer[];
  readonly additionals: readonly Buffer[];
  /** How often it was given: who asks again gets another record first. */
  turn: number;
}

/** A pointer to the name of the question, RFC 1035, 4.1.4. */
const QUESTION_NAME = Buffer.from([0xc0, HEADER_BYTES]);
const OPT_BYTES = 11;
/** What we take in one datagram: what passes every link unfragmented, https://www.dnsflagday.net/2020. */
const OUR_PAYLOAD_BYTES = 1232;

/** A record of the name that was asked for. */
export function ownRecord(record: DistributiveOmit<Answer, 'name'>): Buffer {
  // Behind the header and the root's name.
  const bytes = encodeRecord({ ...record, name: '.' } as Answer).subarray(1);
  return Buffer.concat([QUESTION_NAME, bytes]);
}

/** A record of any name, with its name. */
export function encodeRecord(record: Answer): Buffer {
  return encode({ type: 'response', answers: [record] }).subarray(HEADER_BYTES);
}

type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never;

/** The answer to a question, `limit` bytes at most: cut short it says so (TC), and the client asks by TCP. */
export function respond(packet: Buffer, query: Query, answer: LocalAnswer, limit: number): Buffer {
  const { answers, additionals, rcode } = answer;
  const opt = query.edns === undefined ? 0 : OPT_BYTES;
  let size = query.end + opt;
  for (const record of answers) size += record.length;
  if (size > limit) return empty(packet, query, { rcode, truncated: true, authoritative: true });
  let more = 0;
  for (const record of additionals) {
    if (size + record.length > limit) break;
    size += record.length;
    more += 1;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = begin(bytes, packet, query, { rcode, authoritative: true });
  bytes.writeUInt16BE(answers.length, 6);
  bytes.writeUInt16BE(more + (opt === 0 ? 0 : 1), 10);
  const first = answers.length > 1 ? answer.turn++ % answers.length : 0;
  for (let index = 0; index < answers.length; index += 1) {
    at += answers[(first + index) % answers.length]?.copy(bytes, at) ?? 0;
  }
  for (let index = 0; index < more; index += 1) at += additionals[index]?.copy(bytes, at) ?? 0;
  if (opt > 0) writeOpt(bytes, at, rcode);
  return bytes;
}

interface Outcome {
  readonly rcode: number;
  readonly truncated?: boolean;
  readonly authoritative?: boolean;
}

/** An answer without records. */
export function empty(packet: Buffer, query: Query, outcome: Outcome): Buffer {
  const bytes = Buffer.allocUnsafe(query.end + (query.edns === undefined ? 0 : OPT_BYTES));
  const at = begin(bytes, packet, query, outcome);
  if (query.edns !== undefined) {
    bytes.writeUInt16BE(1, 10);
    writeOpt(bytes, at, outcome.rcode);
  }
  return bytes;
}

/** An answer to what has no question that could be read. */
export function bare(packet: Buffer, rcode: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  packet.copy(bytes, 0, 0, 3);
  bytes[2] = 0x80 | ((bytes[2] ?? 0) & 0x79);
  bytes[3] = 0x80 | rcode;
  return bytes;
}

/** Bytes that a client takes in a datagram. */
export function limitOf({ edns }: Query): number {
  return edns?.payloadBytes ?? PLAIN_PAYLOAD_BYTES;
}

/** The question as it came, upper and lower case included: clients compare (draft-vixie-dnsext-dns0x20). */
function begin(bytes: Buffer, packet: Buffer, query: Query, { rcode, truncated, authoritative }: Outcome): number {
  packet.copy(bytes, 0, 0, query.end);
  const recursion = query.recursionDesired ? 0x01 : 0;
  bytes[2] = 0x80 | (authoritative === true ? 0x04 : 0) | (truncated === true ? 0x02 : 0) | recursion;
  bytes[3] = 0x80 | (query.checkingDisabled ? 0x10 : 0) | (rcode & 0x0f);
  bytes.writeUInt32BE(0, 6);
  bytes.writeUInt16BE(0, 10);
  return query.end;
}

/** Root name, type, payload; of a response code above 15 the upper bits are here. */
function writeOpt(bytes: Buffer, at: number, rcode: number): void {
  bytes.fill(0, at, at + OPT_BYTES);
  bytes.writeUInt16BE(TYPE.opt, at + 1);
  bytes.writeUInt16BE(OUR_PAYLOAD_BYTES, at + 3);
  bytes[at + 5] = rcode >> 4;
}

export const NO_NAME: LocalAnswer = { rcode: RCODE.noName, answers: [], additionals: [], turn: 0 };
