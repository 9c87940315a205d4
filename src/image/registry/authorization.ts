import { TsstackError } from '../../model/error.ts';
import { asText, type JsonObject, parseObject } from '../json.ts';
import { answerFailure, denied } from './answer-failure.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type Answer, type Connections, readAnswer } from './connections.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './registries.ts';

export interface AuthorizationOptions {
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  /** Asked once, when the registry wants to know. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Of all that is asked in its name. */
  readonly signal: AbortSignal;
}

interface Token {
  readonly header: string;
  /** By `performance.now()`. */
  readonly until: number;
}

/** distribution's token specification: what a token that says nothing lives, and the largest answer we take. */
const LIFETIME_MS = 60_000;
const ANSWER_BYTES = 1024 * 1024;
/** Before a token ends, we get another: a request takes time. */
const MARGIN_MS = 10_000;

/**
 * Who we are for one registry, as it asks for it: by name and password, or by a token of its token server for what is to
 * be done (scopes such as `repository:team/app:pull`).
 */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /** The header to send; undefined: none, so far as the registry has said. Throws as `Connections.send`, `registry-denied`. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') return basic(await this.#known());
    const wanted = this.#scopes(scopes);
    const key = wanted.join(' ');
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known !== undefined && known.until > performance.now()) return known.header;
    const fetched = this.#fetch(this.#challenge, wanted);
    this.#tokens.set(key, fetched);
    // A failure is for whoever asks, and not for those who ask later.
    fetched.catch(() => this.#tokens.delete(key));
    return (await fetched).header;
  }

  /**
   * Takes note of what an answer of 401 asks for. `sent`: the header that was refused. false: it is no use to ask again.
   */
  async challenged({ headers }: Answer, scopes: readonly string[], sent: string | undefined): Promise<boolean> {
    const challenges = [headers['www-authenticate'] ?? []].flat().flatMap(parseChallenges);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    const chosen = bearer ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (chosen === undefined) return false;
    const before = this.#challenge;
    this.#challenge = chosen;
    const credentials = await this.#known();
    if (chosen.scheme === 'basic') return credentials?.type === 'password' && sent !== basic(credentials);
    const key = this.#scopes(scopes).join(' ');
    const token = await this.#tokens.get(key)?.catch(() => undefined);
    // Another request may have got a new one meanwhile.
    if (token?.header === sent) this.#tokens.delete(key);
    return sent === undefined || before !== undefined;
  }

  /** The user's, once. */
  #known(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials();
    return this.#credentials;
  }

  /** Ours, and what the registry has named: proxies know a repository by another name. */
  #scopes(scopes: readonly string[]): readonly string[] {
    const named = this.#challenge?.parameters.get('scope')?.split(' ') ?? [];
    return [...new Set([...scopes, ...named.filter((scope) => scope !== '')])].slice(0, 20);
  }

  async #fetch(challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const credentials = await this.#known();
    if (credentials?.type === 'bearer')
      return { header: `Bearer ${credentials.token}`, until: Number.POSITIVE_INFINITY };
    const { connections, endpoint, signal } = this.#options;
    const realm = this.#realm(challenge);
    const what = `Cannot get a token for registry ${endpoint.name} from ${realm.origin}`;
    const service = challenge.parameters.get('service');
    const answer = await connections.send(endpoint, realm, {
      ...(credentials?.type === 'identity'
        ? refresh({ token: credentials.token, service, scopes })
        : query({ realm, service, scopes, credentials })),
      signal,
    });
    if (answer.status !== 200) throw await this.#refused(answer, what);
    const body = await readAnswer(this.#options, answer, ANSWER_BYTES);
    return parseToken(body, what);
  }

  async #refused(answer: Answer, what: string): Promise<unknown> {
    const { connections, endpoint } = this.#options;
    // Its own origin here: what it answers is no redirect of the registry's.
    const failure = await answerFailure(answer, {
      connections,
      endpoint: { ...endpoint, origin: answer.url.origin },
      what,
    });
    const known = (await this.#known()) !== undefined;
    if (!(failure instanceof TsstackError) || failure.code !== 'registry-denied') return failure;
    return denied(known ? `${what}: it does not take these credentials (${answer.status})` : failure.message, endpoint);
  }

  /** Throws `registry-failed` for an address to which no password may go. */
  #realm({ parameters }: Challenge): URL {
    const { endpoint, connections } = this.#options;
    const text = parameters.get('realm') ?? '';
    const realm = URL.canParse(text) ? new URL(text) : undefined;
    const safe =
      realm?.protocol === 'https:' ||
      (realm?.protocol === 'http:' &&
        (realm.origin === endpoint.origin || connections.registries.mayUseHttp(realm.host, endpoint)));
    if (realm !== undefined && safe && realm.username === '' && realm.password === '') return realm;
    const shown = JSON.stringify(text.slice(0, 200));
    throw new TsstackError('registry-failed', `Registry ${endpoint.name} wants credentials sent to ${shown}`, {
      hint: 'Nothing was sent: they go to addresses of HTTPS only, or of plain HTTP that registries.yaml allows.',
    });
  }
}

interface Wanted {
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

/** distribution's token specification, "Requesting a Token". */
function query({ realm, service, scopes, credentials }: Wanted & { realm: URL; credentials: Credentials | undefined }) {
  if (service !== undefined) realm.searchParams.set('service', service);
  for (const scope of scopes) realm.searchParams.append('scope', scope);
  const header = basic(credentials);
  if (credentials?.type === 'password') realm.searchParams.set('account', credentials.username);
  return { method: 'GET', headers: header === undefined ? {} : { authorization: header } } as const;
}

/** distribution's OAuth 2 token specification, "Refresh Token Grant". */
function refresh({ service, scopes, token }: Wanted & { token: string }) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'tsstack',
    refresh_token: token,
    service: service ?? '',
    scope: scopes.join(' '),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', headers, body: form.toString() } as const;
}

function basic(credentials: Credentials | undefined): string | undefined {
  if (credentials?.type !== 'password') return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

function parseToken(body: Buffer | undefined, what: string): Token {
  try {
    const document: JsonObject = parseObject(body ?? Buffer.alloc(0), 'the answer');
    const token = asText(document['token'], 'token') || asText(document['access_token'], 'access_token');
    // What a header may hold; anything else would be an error that quotes it.
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Error('no token');
    const seconds = document['expires_in'];
    const lifetimeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : LIFETIME_MS;
    const margin = Math.min(MARGIN_MS, lifetimeMs / 2);
    return { header: `Bearer ${token}`, until: performance.now() + lifetimeMs - margin };
  } catch {
    throw new TsstackError('registry-failed', `${what}: there is no token in its answer`);
  }
}
