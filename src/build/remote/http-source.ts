import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { mayPass, retryAfterMs } from '../../image/registry/answer-failure.ts';
import { connectionFailure, type Peer } from '../../image/registry/connection-failure.ts';
import { type Answer, drain, headerOf, trusted } from '../../image/registry/connections.ts';
import { MOST_REDIRECTS, REDIRECTS } from '../../image/registry/exchange.ts';
import { Proxies, type RegistryProxy } from '../../image/registry/proxies.ts';
import { Again, type Timing } from '../../image/registry/retry.ts';
import { TsstackError } from '../../model/error.ts';

export interface HttpSourceOptions {
  readonly url: URL;
  /** Of the caller: proxies. */
  readonly env: Readonly<Record<string, string>>;
  /** false: it must not go on by plain HTTP where it began with TLS. */
  readonly mayLoseTls: boolean;
  readonly timing: Timing;
  readonly signal: AbortSignal;
}

/** One file of the web. Its methods throw `build-failed`, `cancelled`, and `Again` where another attempt may succeed. */
export class HttpSource {
  readonly #options: HttpSourceOptions;
  /** By proxy; an empty name is none. */
  readonly #agents = new Map<string, Dispatcher>();
  readonly #proxies: Proxies;

  constructor(options: HttpSourceOptions) {
    this.#options = options;
    this.#proxies = new Proxies(options.env);
  }

  /** An answer of one of `expect`, after redirects. */
  async get(headers: Readonly<Record<string, string>>, expect: readonly number[]): Promise<Answer> {
    const start = this.#options.url;
    let url = start;
    for (let count = 0; ; count += 1) {
      const answer = await this.#send(url, { ...headers, ...(url.origin === start.origin && authorization(start)) });
      if (expect.includes(answer.status)) return answer;
      await drain(answer);
      if (!REDIRECTS.has(answer.status)) throw this.#refused(answer);
      if (count === MOST_REDIRECTS) throw this.failed(`it is sent on more than ${MOST_REDIRECTS} times`);
      url = this.#location(answer);
    }
  }

  /** What an error of the connection means. Gives what is to be thrown. */
  failure(error: unknown, url: URL): unknown {
    if (this.#options.signal.aborted) return new TsstackError('cancelled', 'the download was cancelled');
    const meant = connectionFailure(error, this.#peer(url));
    if (meant instanceof Again || (meant instanceof TsstackError && meant.code === 'build-failed')) return meant;
    return this.failed((error as Error).message.slice(0, 200), undefined, error);
  }

  failed(message: string, hint?: string, cause?: unknown): TsstackError {
    return new TsstackError('build-failed', `Cannot download ${shown(this.#options.url)}: ${message}`, { hint, cause });
  }

  /** Can be called twice. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  async #send(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { signal, timing } = this.#options;
    try {
      const { statusCode, ...answer } = await request(withoutUser(url), {
        dispatcher: this.#agent(url),
        headersTimeout: timing.silenceMs,
        bodyTimeout: timing.silenceMs,
        // The bytes as they lie there: a checksum is of them.
        headers: { 'user-agent': 'tsstack', 'accept-encoding': 'identity', ...headers },
        signal,
      });
      return { status: statusCode, url, signal, ...answer };
    } catch (error) {
      throw this.failure(error, url);
    }
  }

  #agent(url: URL): Dispatcher {
    const proxy = this.#proxies.for(url);
    const name = proxy?.origin ?? '';
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const agent = this.#newAgent(proxy);
    this.#agents.set(name, agent);
    return agent;
  }

  #newAgent(proxy: RegistryProxy | undefined): Dispatcher {
    const timeout = this.#options.timing.connectMs;
    const tls = { timeout, secureContext: createSecureContext({ ca: trusted() }) };
    if (proxy === undefined) return new Agent({ connect: tls, connectTimeout: timeout, allowH2: false });
    const { origin, authorization } = proxy;
    return new ProxyAgent({
      uri: origin,
      ...(authorization !== undefined && { token: authorization }),
      requestTls: tls,
      proxyTls: tls,
      connectTimeout: timeout,
      allowH2: false,
    });
  }

  #location(answer: Answer): URL {
    const text = headerOf(answer, 'location') ?? '';
    const next = URL.canParse(text, answer.url.href) ? new URL(text, answer.url) : undefined;
    if (text === '' || next === undefined || !/^https?:$/.test(next.protocol)) {
      throw this.failed(`it is sent to ${JSON.stringify(text.slice(0, 200))}, which is no address of HTTP`);
    }
    if (next.protocol === 'http:' && answer.url.protocol === 'https:' && !this.#options.mayLoseTls) {
      throw this.failed(
        `it is sent from HTTPS to plain HTTP at ${next.host}`,
        'Anybody on the way could change the file then: name its digest (ADD --checksum=sha256:…).',
      );
    }
    return next;
  }

  #refused(answer: Answer): TsstackError | Again {
    const { status, url } = answer;
    const elsewhere = url.origin === this.#options.url.origin ? '' : ` ${url.origin}, where it is sent,`;
    const error = this.failed(
      `${elsewhere === '' ? 'the server' : elsewhere.trim()} answers ${status}`,
      hintFor(status),
    );
    return mayPass(status) ? new Again(error, { afterMs: retryAfterMs(answer) }) : error;
  }

  #peer(url: URL): Peer {
    return {
      timing: this.#options.timing,
      unreachable: (message, hint) => this.failed(`${url.origin}: ${message}`, hint),
      failed: (message, cause) => this.failed(`${url.origin}: ${message}`, undefined, cause),
      authorityHint:
        'Put the certificate of the authority into /usr/local/share/ca-certificates and run update-ca-certificates.',
      plainHttpHint: 'If that is meant, write http:// and name the digest of the file.',
    };
  }
}

function hintFor(status: number): string {
  if (status === 404 || status === 410) return 'Check the URL.';
  if (status === 401 || status === 403) return 'The server wants to know who asks, or does not allow it.';
  return 'Try again later.';
}

/** RFC 7617, of a user in the URL. */
function authorization({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  return plain;
}

/** Without its secrets: a user, and what follows the path. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
