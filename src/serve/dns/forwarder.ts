import { AnswerCache, aged, readTimes } from './cache.ts';
import { exchange, type Upstream } from './exchange.ts';
import { HEADER_BYTES, type Query, RCODE } from './query.ts';

export interface ForwarderOptions {
  /** A server that is silent for so long gets the next one asked beside it. */
  readonly patienceMs?: number;
  /** After so long there is no answer. Below the 5 s after which clients ask again. */
  readonly deadlineMs?: number;
  readonly port?: number;
  readonly now?: () => number;
}

/** Questions under way at the same time, in all and for one container. */
const MOST_QUESTIONS = 1000;
const MOST_QUESTIONS_PER_CLIENT = 100;
/** How often each server is asked. */
const ROUNDS = 2;
const OUR_PAYLOAD_BYTES = 1232;

/**
 * Asks servers of others for names that are not ours. One question that several ask at the same time is asked once;
 * answers are kept for as long as they say.
 */
export class Forwarder {
  readonly #cache = new AnswerCache();
  readonly #underWay = new Map<string, Promise<Buffer>>();
  readonly #byClient = new Map<string, number>();
  readonly #patienceMs: number;
  readonly #deadlineMs: number;
  readonly #port: number;
  readonly #now: () => number;

  constructor({ patienceMs = 1200, deadlineMs = 4500, port = 53, now = Date.now }: ForwarderOptions = {}) {
    this.#patienceMs = patienceMs;
    this.#deadlineMs = deadlineMs;
    this.#port = port;
    this.#now = now;
  }

  /** An answer that is kept, for this very question. */
  cached(packet: Buffer, query: Query, servers: readonly string[]): Buffer | undefined {
    const now = this.#now();
    const stored = this.#cache.get(keyOf(query, servers), now);
    return stored === undefined ? undefined : asAnswerTo(packet, query, aged(stored, now));
  }

  /** The answer of the first of `servers` that has one; undefined: none has, or too much is under way. */
  async ask(packet: Buffer, query: Query, servers: readonly string[], client: string): Promise<Buffer | undefined> {
    const cached = this.cached(packet, query, servers);
    if (cached !== undefined) return cached;
    const mine = this.#byClient.get(client) ?? 0;
    if (servers.length === 0 || mine >= MOST_QUESTIONS_PER_CLIENT) return undefined;
    const key = keyOf(query, servers);
    let answer = this.#underWay.get(key);
    if (answer === undefined) {
      if (this.#underWay.size >= MOST_QUESTIONS) return undefined;
      answer = this.#askAll(questionOf(packet, query), servers).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, answer);
      answer.then(
        (bytes) => this.#cache.put(key, bytes, this.#now()),
        () => undefined,
      );
    }
    this.#byClient.set(client, mine + 1);
    try {
      return asAnswerTo(packet, query, Buffer.from(await answer));
    } catch {
      return undefined;
    } finally {
      const left = (this.#byClient.get(client) ?? 1) - 1;
      if (left === 0) this.#byClient.delete(client);
      else this.#byClient.set(client, left);
    }
  }

  /** One server after the other, each beside those that are still silent. */
  async #askAll(question: Buffer, servers: readonly string[]): Promise<Buffer> {
    const done = new AbortController();
    const deadline = setTimeout(() => done.abort(new Error('no server has answered')), this.#deadlineMs);
    const turns = Array.from({ length: ROUNDS }, () => servers).flat();
    const waiting = new Set<Promise<Attempt>>();
    let poor: Buffer | undefined;
    try {
      while (turns.length > 0 || waiting.size > 0) {
        const address = turns.shift();
        if (address !== undefined) {
          const attempt = this.#attempt(question, { address, port: this.#port }, done.signal);
          waiting.add(attempt);
          void attempt.then(() => waiting.delete(attempt));
        }
        const first = await this.#firstOf(waiting, turns.length > 0 ? this.#patienceMs : this.#deadlineMs);
        if (first === undefined) continue;
        if (first.good) return first.answer;
        poor = first.answer ?? poor;
      }
      if (poor !== undefined) return poor;
      throw new Error('no server has answered');
    } finally {
      clearTimeout(deadline);
      done.abort(new Error('answered'));
    }
  }

  async #firstOf(waiting: ReadonlySet<Promise<Attempt>>, patienceMs: number): Promise<Attempt | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), patienceMs);
    });
    try {
      return await Promise.race([...waiting, patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Never throws: a server that cannot be asked has no answer. */
  async #attempt(question: Buffer, upstream: Upstream, signal: AbortSignal): Promise<Attempt> {
    try {
      const answer = await exchange(question, upstream, signal);
      if (readTimes(answer) === undefined) return { good: false };
      const rcode = (answer[3] ?? 0) & 0x0f;
      return rcode === RCODE.ok || rcode === RCODE.noName ? { good: true, answer } : { good: false, answer };
    } catch {
      return { good: false };
    }
  }
}

type Attempt = { readonly good: true; readonly answer: Buffer } | { readonly good: false; readonly answer?: Buffer };

/** What makes an answer another one. */
function keyOf({ name, type, edns, checkingDisabled, recursionDesired }: Query, servers: readonly string[]): string {
  const flags = (edns === undefined ? 0 : 1) + (edns?.dnssec === true ? 2 : 0) + (checkingDisabled ? 4 : 0);
  return `${type} ${flags + (recursionDesired ? 8 : 0)} ${servers.join(',')} ${name}`;
}

/** The question as we ask it: the client's bytes of the name, and of its options only that it wants DNSSEC. */
function questionOf(packet: Buffer, query: Query): Buffer {
  const { end, edns, checkingDisabled, recursionDesired } = query;
  const question = Buffer.alloc(end + (edns === undefined ? 0 : 11));
  packet.copy(question, HEADER_BYTES, HEADER_BYTES, end);
  question[2] = recursionDesired ? 0x01 : 0;
  question[3] = checkingDisabled ? 0x10 : 0;
  question.writeUInt16BE(1, 4);
  if (edns === undefined) return question;
  question.writeUInt16BE(1, 10);
  question.writeUInt16BE(41, end + 1);
  question.writeUInt16BE(OUR_PAYLOAD_BYTES, end + 3);
  if (edns.dnssec) question[end + 7] = 0x80;
  return question;
}

/** Changes `answer` into one to this client: its id, and its letters of the name. */
function asAnswerTo(packet: Buffer, { end }: Query, answer: Buffer): Buffer {
  packet.copy(answer, 0, 0, 2);
  packet.copy(answer, HEADER_BYTES, HEADER_BYTES, end);
  // Recursion is available by us, whoever was asked.
  answer[3] = (answer[3] ?? 0) | 0x80;
  return answer;
}
