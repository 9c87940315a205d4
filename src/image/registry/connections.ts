import { Readable } from 'node:stream';
import { createSecureContext, getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, Pool, ProxyAgent, request } from 'undici';
import { TsstackError } from '../../model/error.ts';
import { connectionFailure, registryPeer } from './connection-failure.ts';
import type { RegistryProxy } from './proxies.ts';
import type { Endpoint, Registries } from './registries.ts';
import type { Timing } from './retry.ts';
import { settingsInvalid } from './settings-file.ts';

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | (() => AsyncIterable<Buffer>);
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Who gave it, after redirects. */
  readonly url: URL;
  /** Of its request. */
  readonly signal: AbortSignal;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
}

/** At a time, to one host. */
const CONNECTIONS = 8;
/** Of a body that nobody wants; beyond it, closing the connection costs less than reading on. */
const DRAINED_BYTES = 64 * 1024;

/** Pools of connections, one for every host that is talked to, each with the certificates that are its own. */
export class Connections {
  readonly registries: Registries;
  readonly timing: Timing;
  readonly #agents = new Map<string, Dispatcher>();

  constructor(registries: Registries, timing: Timing) {
    this.registries = registries;
    this.timing = timing;
  }

  /**
   * One request, one answer, whatever its status; follows nothing and repeats nothing. `endpoint`: on whose behalf; its
   * settings hold for its own origin only, and those of the other host for another. Throws `Again`, `cancelled`,
   * `registry-unreachable`, `registry-failed`.
   */
  async send(endpoint: Endpoint, url: URL, asked: Request): Promise<Answer> {
    const dispatcher = this.#agent(url.origin === endpoint.origin ? endpoint : this.#otherHost(url));
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher,
        method: asked.method,
        // Bodies are what digests are of: nothing may be packed on the way.
        headers: { 'user-agent': 'tsstack', 'accept-encoding': 'identity', ...asked.headers },
        body:
          typeof asked.body === 'function' ? Readable.from(asked.body(), { objectMode: false }) : (asked.body ?? null),
        signal: asked.signal,
      });
      return { status: statusCode, url, signal: asked.signal, headers, body };
    } catch (error) {
      throw this.failure(endpoint, error, { url, signal: asked.signal });
    }
  }

  /** What an error of a connection, or of a body that breaks off, means. */
  failure(endpoint: Endpoint, error: unknown, { url, signal }: Pick<Answer, 'url' | 'signal'>): unknown {
    // Whatever reason it was given.
    if (signal.aborted) return new TsstackError('cancelled', 'the transfer was cancelled');
    const proxy = this.registries.proxy(url.origin)?.origin;
    return connectionFailure(error, registryPeer({ endpoint, url, timing: this.timing, proxy }));
  }

  /** Can be called twice. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  #otherHost(url: URL): Endpoint {
    return { ...this.registries.endpoint(url.host), origin: url.origin };
  }

  #agent(endpoint: Endpoint): Dispatcher {
    const known = this.#agents.get(endpoint.origin);
    if (known !== undefined) return known;
    const { connectMs, silenceMs } = this.timing;
    const connect = { timeout: connectMs, ...(endpoint.origin.startsWith('https:') && tlsOptions(endpoint)) };
    const pool: PoolOptions = {
      connectTimeout: connectMs,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      connections: CONNECTIONS,
      // Several connections are faster than one for several blobs.
      allowH2: false,
    };
    const proxy = this.registries.proxy(endpoint.origin);
    const agent = proxy === undefined ? new Agent({ ...pool, connect }) : throughProxy(proxy, pool, connect);
    this.#agents.set(endpoint.origin, agent);
    return agent;
  }
}

interface PoolOptions {
  readonly connectTimeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly connections: number;
  readonly allowH2: false;
}

/** A tunnel (CONNECT) where TLS is spoken; plain HTTP is passed on, since proxies let no tunnel lead to port 80. */
function throughProxy({ origin, authorization }: RegistryProxy, pool: PoolOptions, requestTls: object): ProxyAgent {
  const proxyTls = origin.startsWith('https:')
    ? { proxyTls: tlsOptions({ name: new URL(origin).host, ca: [], verify: true }) }
    : {};
  return new ProxyAgent({
    ...pool,
    uri: origin,
    ...(authorization !== undefined && { token: authorization }),
    requestTls,
    ...proxyTls,
    factory: (url, given) => new Pool(url, { ...given, ...pool }),
    clientFactory: (url, given) => new Pool(url, { ...given, ...pool }),
  });
}

function tlsOptions({ ca, identity, verify, name }: Omit<Endpoint, 'origin'>): object {
  try {
    // Made once: Node would parse some hundred certificates anew for every connection.
    const secureContext = createSecureContext({ ca: trusted(ca), ...identity });
    return { secureContext, rejectUnauthorized: verify };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw settingsInvalid(`A certificate or key for registry ${name} cannot be used: ${reason}`);
  }
}

/** Certificates of Node's and of this machine's authorities, and of others. */
export function trusted(others: readonly string[] = []): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...others])];
}

/** The first of a header's values. */
export function headerOf({ headers }: Pick<Answer, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Lets the connection be used again, if that is cheap. */
export async function drain({ body }: Answer): Promise<void> {
  try {
    await body.dump({ limit: DRAINED_BYTES });
  } catch {
    // Then it is closed.
  }
}

/** At most `limit` bytes of an answer; undefined when there are more. Throws as `Connections.send` does. */
export async function readAnswer(
  { connections, endpoint }: { readonly connections: Connections; readonly endpoint: Endpoint },
  answer: Answer,
  limit: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) return undefined;
      chunks.push(chunk);
    }
  } catch (error) {
    throw connections.failure(endpoint, error, answer);
  }
  return Buffer.concat(chunks);
}
