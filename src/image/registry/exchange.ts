import { TsstackError } from '../../model/error.ts';
import { type Asked, answerFailure, denied, mayPass } from './answer-failure.ts';
import type { Authorization } from './authorization.ts';
import { type Answer, type Connections, drain, headerOf, type Request } from './connections.ts';
import type { Endpoint } from './registries.ts';

export interface ExchangeRequest extends Omit<Request, 'signal'> {
  /** What a token must allow. */
  readonly scopes: readonly string[];
  /** For errors: what could not be done. */
  readonly what: string;
  /** Statuses that the caller deals with; any other is an error. */
  readonly expect: readonly number[];
}

export interface ExchangeOptions {
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  readonly authorization: Authorization;
  readonly signal: AbortSignal;
}

export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Docker follows as many, and so does Go. */
export const MOST_REDIRECTS = 10;

/** Asks one registry: says who we are when it wants to know, and follows it to other hosts, where we do not say so. */
export class Exchange {
  readonly #options: ExchangeOptions;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** One attempt. Throws `Again` where another may succeed, and `TsstackError`. */
  async once(url: URL, request: ExchangeRequest): Promise<Answer> {
    const { authorization, endpoint } = this.#options;
    // A token may end while it is used, and be wanted anew; more than that is a quarrel.
    for (let refusals = 0; ; refusals += 1) {
      const header = url.origin === endpoint.origin ? await authorization.header(request.scopes) : undefined;
      const answer = await this.#follow(url, request, header);
      if (request.expect.includes(answer.status)) return answer;
      const asked = this.#asked(request);
      if (answer.status !== 401 || answer.url.origin !== endpoint.origin) throw await answerFailure(answer, asked);
      const useful = refusals < 2 && (await authorization.challenged(answer, request.scopes, header));
      if (!useful) throw await this.#refused(answer, asked, header);
      await drain(answer);
    }
  }

  /** An address in an answer. Throws `registry-failed` for one that we do not go to. */
  location(answer: Answer, what: string): URL {
    const text = headerOf(answer, 'location') ?? '';
    const next = URL.canParse(text, answer.url.href) ? new URL(text, answer.url) : undefined;
    const http = next?.protocol === 'http:';
    if (text === '' || next === undefined || (!http && next.protocol !== 'https:')) {
      throw new TsstackError(
        'registry-failed',
        `${what}: it sends us to ${JSON.stringify(text.slice(0, 200))}, which is no address of HTTP`,
      );
    }
    if (
      http &&
      answer.url.protocol === 'https:' &&
      !this.#options.connections.registries.mayUseHttp(next.host, this.#options.endpoint)
    ) {
      throw new TsstackError('registry-failed', `${what}: it sends us from HTTPS to plain HTTP at ${next.host}`, {
        hint: `If that is meant, write "http: true" for ${next.host} into registries.yaml.`,
      });
    }
    next.username = '';
    next.password = '';
    return next;
  }

  async #follow(start: URL, request: ExchangeRequest, authorization: string | undefined): Promise<Answer> {
    const { connections, endpoint, signal } = this.#options;
    const follows = request.method === 'GET' || request.method === 'HEAD';
    let url = start;
    let header = authorization;
    for (let count = 0; ; count += 1) {
      const headers = { ...request.headers, ...(header !== undefined && { authorization: header }) };
      const answer = await connections.send(endpoint, url, { ...request, headers, signal });
      if (!follows || !REDIRECTS.has(answer.status)) return answer;
      await drain(answer);
      if (count === MOST_REDIRECTS) {
        throw new TsstackError('registry-failed', `${request.what}: it sends us on more than ${MOST_REDIRECTS} times`);
      }
      url = this.location(answer, request.what);
      // Once elsewhere, what comes back to the registry is another's request.
      if (url.origin !== endpoint.origin) header = undefined;
    }
  }

  #asked({ what }: ExchangeRequest): Asked {
    const { connections, endpoint } = this.#options;
    return { connections, endpoint, what };
  }

  async #refused(answer: Answer, asked: Asked, header: string | undefined): Promise<unknown> {
    if (mayPass(answer.status)) return answerFailure(answer, asked);
    if (header === undefined) {
      await drain(answer);
      return denied(
        `${asked.what}: the registry wants to know who you are, and no credentials are known for it`,
        asked.endpoint,
      );
    }
    return answerFailure(answer, asked);
  }
}
