import { TsstackError } from '../../model/error.ts';
import type { BlobSource } from '../content/content-store.ts';
import type { Expected } from '../content/ingest.ts';
import { type Answer, drain, headerOf } from './connections.ts';
import type { Exchange } from './exchange.ts';
import { type Attempts, retrying } from './retry.ts';

export interface BlobUpload {
  readonly descriptor: Expected;
  /** The blob's bytes from an offset on; asked for again when an attempt has failed. */
  readonly source: BlobSource;
  /** A repository of the same registry that has the blob. */
  readonly mountFrom?: string;
  /** Bytes that were given to the connection, from 0 again when another attempt begins. */
  readonly progress?: (bytes: number) => void;
}

export interface UploadContext {
  readonly exchange: Exchange;
  readonly attempts: Attempts;
  /** Where uploads begin. */
  readonly start: URL;
  readonly what: string;
  readonly scopes: readonly string[];
}

const OCTETS = { 'content-type': 'application/octet-stream' };
/** Of one PATCH; more when the registry wants so. */
const PART_BYTES = 16 * 1024 * 1024;
const MOST_PART_BYTES = 1024 * 1024 * 1024;
/** Statuses by which a registry, or a proxy before it, says that it takes no blob in one piece. */
const NOT_IN_ONE: readonly number[] = [400, 404, 405, 411, 413, 415, 416, 501];

/**
 * One blob into a repository (distribution specification, "Pushing blobs"). An attempt that failed begins anew: the digest
 * says what it is, so that it does no harm twice. In one piece, or in parts where the registry does not take that.
 */
export function uploadBlob(upload: BlobUpload, context: UploadContext): Promise<'mounted' | 'uploaded'> {
  let inParts = false;
  return retrying(context.attempts, async () => {
    const session = await begin(upload, context);
    if (session === undefined) return 'mounted';
    if (!inParts) {
      const answer = await inOne(session, upload, context);
      if (answer.status < 300) return 'uploaded';
      inParts = true;
    }
    await parts(await again(upload, context), upload, context);
    return 'uploaded';
  });
}

/** An upload that was begun. */
interface Session {
  readonly url: URL;
  /** What the registry wants of a part at least. */
  readonly partBytes: number;
}

/** undefined: the registry has taken the blob from the other repository. */
async function begin(upload: BlobUpload, context: UploadContext): Promise<Session | undefined> {
  const { descriptor, mountFrom } = upload;
  const url = new URL(context.start);
  if (mountFrom !== undefined) {
    url.searchParams.set('mount', descriptor.digest);
    url.searchParams.set('from', mountFrom);
  }
  const { exchange, scopes, what } = context;
  const headers = { 'content-length': '0' };
  const answer = await exchange.once(url, { method: 'POST', headers, scopes, what, expect: [201, 202] });
  await drain(answer);
  return answer.status === 201 && mountFrom !== undefined ? undefined : sessionOf(answer, context);
}

async function again({ descriptor, source }: BlobUpload, context: UploadContext): Promise<Session> {
  const session = await begin({ descriptor, source }, context);
  if (session === undefined)
    throw new TsstackError('registry-failed', `${context.what}: it mounts what nobody asked it to`);
  return session;
}

function sessionOf(answer: Answer, { exchange, what }: UploadContext): Session {
  const wanted = Number(headerOf(answer, 'oci-chunk-min-length') ?? 0);
  const partBytes = Number.isSafeInteger(wanted) ? Math.min(Math.max(wanted, PART_BYTES), MOST_PART_BYTES) : PART_BYTES;
  return { url: exchange.location(answer, what), partBytes };
}

async function inOne({ url }: Session, upload: BlobUpload, context: UploadContext): Promise<Answer> {
  const { digest, size } = upload.descriptor;
  const answer = await context.exchange.once(withDigest(url, digest), {
    method: 'PUT',
    headers: { ...OCTETS, 'content-length': String(size) },
    body: () => counted(upload, 0, size),
    scopes: context.scopes,
    what: context.what,
    expect: [201, 204, ...NOT_IN_ONE],
  });
  await drain(answer);
  return answer;
}

async function parts(session: Session, upload: BlobUpload, context: UploadContext): Promise<void> {
  const { exchange, scopes, what } = context;
  const { digest, size } = upload.descriptor;
  let { url } = session;
  for (let at = 0; at < size; at += session.partBytes) {
    const end = Math.min(at + session.partBytes, size);
    const begin = at;
    const headers = { ...OCTETS, 'content-length': String(end - at), 'content-range': `${at}-${end - 1}` };
    const body = () => counted(upload, begin, end);
    const answer = await exchange.once(url, { method: 'PATCH', headers, body, scopes, what, expect: [201, 202, 204] });
    await drain(answer);
    url = exchange.location(answer, what);
  }
  const headers = { 'content-length': '0' };
  await drain(
    await exchange.once(withDigest(url, digest), { method: 'PUT', headers, scopes, what, expect: [201, 204] }),
  );
}

/** The rest of the address stays to the letter: it may be signed. */
function withDigest(url: URL, digest: string): URL {
  const target = new URL(url);
  target.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return target;
}

/** The bytes from `start` to before `end`. */
async function* counted({ source, progress }: BlobUpload, start: number, end: number): AsyncGenerator<Buffer> {
  let at = start;
  progress?.(at);
  for await (const chunk of source(start)) {
    const piece = chunk.subarray(0, end - at);
    at += piece.length;
    yield piece;
    progress?.(at);
    if (at === end) return;
  }
}
