import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { HEADER_BYTES } from './query.ts';

/** A server of others. */
export interface Upstream {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks one server, by UDP and, where the answer is cut short, by TCP. `question`: a packet whose id is filled in here.
 * Every question has a socket, and so a port, and an id of its own, and only an answer from whom was asked to exactly
 * this question counts: nobody who does not see the question can answer it (RFC 5452). Throws what the socket says, and
 * the signal's reason.
 */
export async function exchange(question: Buffer, upstream: Upstream, signal: AbortSignal): Promise<Buffer> {
  const query = Buffer.from(question);
  query.writeUInt16BE(randomInt(0x10000), 0);
  const answer = await byUdp(query, upstream, signal);
  const truncated = ((answer[2] ?? 0) & 0x02) !== 0;
  return truncated ? byTcp(query, upstream, signal) : answer;
}

function byUdp(query: Buffer, { address, port }: Upstream, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: known });
    const settle = (outcome: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      outcome();
    };
    const abort = (): void => settle(() => reject(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('message', (answer) => {
      if (answers(answer, query)) settle(() => resolve(answer));
    });
    // Connected: the kernel passes on nothing that comes from elsewhere, and tells that nobody listens.
    socket.connect(port, address, () => socket.send(query));
  });
}

/** The address is one already; Node would ask for it all the same, a turn later. */
function known(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4);
}

function byTcp(query: Buffer, { address, port }: Upstream, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, signal });
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(query.length);
    socket.write(Buffer.concat([prefix, query]));
    let received = Buffer.alloc(0);
    const fail = (error: unknown): void => {
      socket.destroy();
      reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(signal.aborted ? signal.reason : new Error(`${address} closed the connection`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const length = received.readUInt16BE(0);
      if (received.length < 2 + length) return;
      const answer = received.subarray(2, 2 + length);
      if (!answers(answer, query)) return fail(new Error(`${address} answered another question`));
      resolve(Buffer.from(answer));
      socket.destroy();
    });
  });
}

/** Same id, an answer, and the same question, whose letters may have become small or capital ones. */
function answers(answer: Buffer, query: Buffer): boolean {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if (((answer[2] ?? 0) & 0xf8) !== 0x80 || answer.readUInt16BE(4) !== 1) return false;
  const end = questionEnd(query);
  if (answer.length < end) return false;
  for (let at = HEADER_BYTES; at < end - 4; at += 1) {
    if (lower(answer[at] ?? 0) !== lower(query[at] ?? 0)) return false;
  }
  return answer.compare(query, end - 4, end, end - 4, end) === 0;
}

/** Of a question that we wrote ourselves. */
function questionEnd(query: Buffer): number {
  let at = HEADER_BYTES;
  for (let size = query[at] ?? 0; size !== 0; size = query[at] ?? 0) at += 1 + size;
  return at + 5;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
