import { TsstackError } from '../../model/error.ts';
import type { Expected } from '../content/ingest.ts';
import { checkDigest, hashFor, parseDigest, sha256 } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { asStrings, asText, parseObject } from '../json.ts';
import { DOCUMENT_BYTES } from '../limits.ts';
import { INDEX_TYPES, MANIFEST_TYPES } from '../manifest.ts';
import { Authorization } from './authorization.ts';
import { downloadBlob } from './blob-download.ts';
import { type BlobUpload, uploadBlob } from './blob-upload.ts';
import { type Answer, type Connections, drain, headerOf, readAnswer } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { Exchange, type ExchangeRequest } from './exchange.ts';
import type { Endpoint } from './registries.ts';
import { Attempts, retrying } from './retry.ts';

export interface ClientOptions {
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  /** Path within the registry: `library/busybox`. */
  readonly repository: string;
  /** Asked when the registry wants to know who we are, once. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Ends all that goes on. */
  readonly signal: AbortSignal;
  /** Of one thing; the default is `Timing.attempts`. */
  readonly attempts?: number;
}

/** A manifest or index as the registry has it. */
export interface Document {
  readonly mediaType: string;
  readonly digest: string;
  readonly data: Buffer;
}

const ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');
/** Of a list of tags; bytes are of one page. */
const PAGES = 1000;
const TAGS = 200_000;
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * One repository of one registry, by the OCI distribution specification 1.1. Every method throws `registry-unreachable`,
 * `registry-denied`, `registry-limited`, `registry-failed`, `cancelled`; what is not there is `image-missing`, what is not
 * what its digest says `image-invalid`.
 */
export class RegistryClient {
  /** `HOST[:PORT]/REPOSITORY`, for messages. */
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #exchange: Exchange;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.name = `${options.endpoint.name}/${options.repository}`;
    this.#exchange = new Exchange({ ...options, authorization: new Authorization(options) });
  }

  /** Whether the registry is there and takes our credentials; the first question of a log-in. */
  async ping(): Promise<void> {
    const what = `Cannot use registry ${this.#options.endpoint.name}`;
    await drain(
      await this.#ask(new URL('/v2/', this.#options.endpoint.origin), {
        method: 'GET',
        what,
        scopes: [],
        expect: [200],
      }),
    );
  }

  /** `reference`: a tag or a digest. What a digest names is what comes. */
  async manifest(reference: string): Promise<Document> {
    const what = `Cannot get manifest ${JSON.stringify(reference)} of ${this.name}`;
    const attempts = this.#attempts();
    return retrying(attempts, async () => {
      const request = { method: 'GET', headers: { accept: ACCEPT }, what, ...this.#pull, expect: [200] } as const;
      const answer = await this.#exchange.once(this.#url(`/manifests/${reference}`), request);
      const data = await readAnswer(this.#options, answer, DOCUMENT_BYTES);
      if (data === undefined) throw imageInvalid(`${what}: it is larger than ${DOCUMENT_BYTES} bytes`);
      return checkedDocument(answer, data, { reference, what });
    });
  }

  /** The bytes of a blob from `offset` on, across broken connections. Whoever takes them checks the digest. */
  blob(expected: Expected, offset = 0): AsyncIterable<Buffer> {
    const { connections, endpoint } = this.#options;
    const what = `Cannot get blob ${expected.digest} of ${this.name}`;
    const request = { method: 'GET', what, ...this.#pull } as const;
    return downloadBlob({
      expected,
      offset,
      what,
      attempts: this.#attempts(),
      ask: (headers) =>
        this.#exchange.once(this.#url(`/blobs/${expected.digest}`), { ...request, headers, expect: [200, 206, 416] }),
      failure: (error, answer) => connections.failure(endpoint, error, answer),
    });
  }

  async hasBlob(digest: string): Promise<boolean> {
    const what = `Cannot look for blob ${digest} in ${this.name}`;
    const answer = await this.#ask(this.#url(`/blobs/${digest}`), {
      method: 'HEAD',
      what,
      ...this.#pull,
      expect: [200, 404],
    });
    await drain(answer);
    return answer.status === 200;
  }

  /** Gives a blob to the registry, or lets it take it from a repository that has it. */
  async uploadBlob(upload: BlobUpload): Promise<'mounted' | 'uploaded'> {
    const { repository } = this.#options;
    const from = upload.mountFrom === undefined ? [] : [`repository:${upload.mountFrom}:pull`];
    return uploadBlob(upload, {
      exchange: this.#exchange,
      attempts: this.#attempts(),
      start: this.#url('/blobs/uploads/'),
      what: `Cannot upload blob ${upload.descriptor.digest} to ${this.name}`,
      scopes: [`repository:${repository}:pull,push`, ...from],
    });
  }

  /** `reference`: a tag, or the digest of `data`. */
  async putManifest(reference: string, { mediaType, data, digest }: Document): Promise<void> {
    const what = `Cannot put manifest ${JSON.stringify(reference)} into ${this.name}`;
    const answer = await this.#ask(this.#url(`/manifests/${reference}`), {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: data,
      what,
      scopes: [`repository:${this.#options.repository}:pull,push`],
      expect: [200, 201, 202],
    });
    await drain(answer);
    const kept = headerOf(answer, 'docker-content-digest');
    if (kept !== undefined && kept.split(':')[0] === digest.split(':')[0] && kept !== digest) {
      throw new TsstackError(
        'registry-failed',
        `${what}: it keeps it as ${JSON.stringify(kept.slice(0, 200))}, not as ${digest}`,
      );
    }
  }

  /** All tags of the repository, in the registry's order. */
  async tags(): Promise<readonly string[]> {
    const what = `Cannot list the tags of ${this.name}`;
    const tags: string[] = [];
    let url: URL | undefined = this.#url('/tags/list?n=1000');
    for (let page = 0; url !== undefined; page += 1) {
      if (page === PAGES || tags.length > TAGS) {
        throw new TsstackError('registry-failed', `${what}: there are more than ${PAGES} pages, or ${TAGS} tags`);
      }
      const here: URL = url;
      const [answer, body] = await retrying(this.#attempts(), async () => {
        const found = await this.#exchange.once(here, { method: 'GET', what, ...this.#pull, expect: [200] });
        return [found, await readAnswer(this.#options, found, PAGE_BYTES)] as const;
      });
      if (body === undefined)
        throw new TsstackError('registry-failed', `${what}: a page is larger than ${PAGE_BYTES} bytes`);
      tags.push(...asStrings(parseObject(body, 'the list of tags')['tags'], 'tags'));
      url = nextPage(answer, this.#options.endpoint.origin);
    }
    return tags;
  }

  /** A request that may be repeated. */
  #ask(url: URL, request: ExchangeRequest): Promise<Answer> {
    return retrying(this.#attempts(), () => this.#exchange.once(url, request));
  }

  #url(path: string): URL {
    const { endpoint, repository } = this.#options;
    return new URL(`/v2/${repository}${path}`, endpoint.origin);
  }

  get #pull(): { readonly scopes: readonly string[] } {
    return { scopes: [`repository:${this.#options.repository}:pull`] };
  }

  #attempts(): Attempts {
    const { connections, signal, attempts = connections.timing.attempts } = this.#options;
    return new Attempts({ ...connections.timing, attempts }, signal);
  }
}

/** The digest asked for, else the one that the registry names, else our own: and the content must have it. */
function checkedDocument(
  answer: Answer,
  data: Buffer,
  { reference, what }: { reference: string; what: string },
): Document {
  const named = headerOf(answer, 'docker-content-digest');
  const asked = reference.includes(':') ? parseDigest(reference) : undefined;
  for (const digest of [asked, named].filter((each) => each !== undefined)) {
    checkDigest(hashFor(parseDigest(digest)).update(data), digest, `${what}: the document`);
  }
  const digest = asked ?? (named === undefined ? sha256(data) : parseDigest(named));
  return { mediaType: typeOf(answer, data, what), digest, data };
}

/** What the header says and what the document says must be the same: tools that believe one or the other would differ. */
function typeOf(answer: Answer, data: Buffer, what: string): string {
  const [header = ''] = (headerOf(answer, 'content-type') ?? '').split(';');
  const written = asText(parseObject(data, what)['mediaType'], 'mediaType');
  const type = header.trim().toLowerCase();
  const known = (each: string) => MANIFEST_TYPES.has(each) || INDEX_TYPES.has(each);
  if (known(type) && written !== '' && written !== type) {
    throw imageInvalid(`${what}: it is sent as "${type}" and says of itself that it is "${written.slice(0, 200)}"`);
  }
  const chosen = known(type) ? type : written;
  if (known(chosen)) return chosen;
  throw imageInvalid(
    `${what}: it is of type ${JSON.stringify((chosen || type).slice(0, 200))}, and neither a manifest nor an index`,
  );
}

/** RFC 8288, as the distribution specification uses it. Pages lie at the registry itself. */
function nextPage(answer: Answer, origin: string): URL | undefined {
  const [, target] = /<([^<>]{1,4096})>\s*;\s*rel="?next"?/.exec(headerOf(answer, 'link') ?? '') ?? [];
  if (target === undefined || !URL.canParse(target, answer.url.href)) return undefined;
  const next = new URL(target, answer.url);
  return next.origin === origin ? next : undefined;
}
