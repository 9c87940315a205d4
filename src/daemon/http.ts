import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, type ErrorReport, reportError, TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';

/** A stack file and its environment come in one body; nothing of ours is near this. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  usage: 400,
  'invalid-stack': 422,
  'no-stack-file': 404,
  'not-found': 404,
  'not-running': 409,
  conflict: 409,
};

/** Of all bodies that are being read: many large ones at once wait for nobody, they are refused. */
const BODIES_LIMIT_BYTES = 32 * 1024 * 1024;
/** A client that does not read what it follows is not waited for any more when this much lies here for it. */
const UNREAD_LIMIT_BYTES = 16 * 1024 * 1024;
/** What a form is sent as is what `curl -d` says of anything. */
const JSON_TYPES = /^(?:application\/(?:[a-z.-]+\+)?json|application\/x-www-form-urlencoded)\s*(?:;|$)/i;

let bodiesBytes = 0;

/** A refusal with a status of its own. */
export class HttpError extends TsstackError {
  readonly status: number;

  constructor(status: number, message: string, hint?: string) {
    super('usage', message, { hint });
    this.status = status;
  }
}

/** A client that goes on sending what nobody reads has this long to see the answer. */
const SEE_ANSWER_MS = 1000;

/**
 * What comes of a body after the answer is thrown away as it comes, so that the client gets to see it; of a large one nothing
 * is read any more, and the connection is closed soon: it would cost us what the limit is to save.
 */
export function leaveBody(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    const { socket, complete, headers } = request;
    const length = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : Infinity));
    if (complete || length <= BODY_LIMIT_BYTES) return;
    // Not at once: to throw away, Node reads on in this turn.
    setImmediate(() => socket.pause());
    setTimeout(() => socket.destroy(), SEE_ANSWER_MS).unref();
  });
}

/** Reads a JSON body. Throws `usage` when it is too large or not JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'];
  if (type !== undefined && !JSON_TYPES.test(type)) throw new HttpError(415, 'The request is not application/json');
  const coding = request.headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') throw new HttpError(415, 'A compressed request is not read');
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) throw tooLarge();
  const text = (await readBody(request)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw new TsstackError('usage', 'The request is not JSON');
  }
}

function readBody(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): void => {
    size += chunk.length;
    bodiesBytes += chunk.length;
    chunks.push(chunk);
    if (size > BODY_LIMIT_BYTES) end(() => reject(tooLarge()));
    else if (bodiesBytes > BODIES_LIMIT_BYTES)
      end(() => reject(new HttpError(503, 'Too many large requests at once', 'Try again')));
  };
  const end = (settle: () => void): void => {
    request.off('data', take);
    bodiesBytes -= size;
    size = 0;
    settle();
    chunks = [];
  };
  request.on('data', take);
  request.once('end', () => end(() => resolve(Buffer.concat(chunks))));
  request.once('error', (cause) => end(() => reject(new TsstackError('usage', 'The request broke off', { cause }))));
  request.once('close', () => end(() => reject(new TsstackError('usage', 'The request broke off'))));
  return promise;
}

function tooLarge(): HttpError {
  return new HttpError(413, `The request is larger than ${BODY_LIMIT_BYTES} bytes`);
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const report: ErrorReport = reportError(error);
  sendJson(response, report, error instanceof HttpError ? error.status : (STATUS_OF[report.code] ?? 500));
}

/** What writes one item a line, as long as the client is there: one that went away is no error. */
export function openLines(response: ServerResponse): (item: unknown) => void {
  response.setHeader('content-type', 'application/x-ndjson');
  response.setHeader('cache-control', 'no-store');
  response.on('error', () => undefined);
  return (item) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`${JSON.stringify(item)}\n`);
    if (response.writableLength > UNREAD_LIMIT_BYTES) response.destroy();
  };
}

/** Runs `work` while its events go to the client, one a line; the last line is `done` or `failed`. */
export async function stream(
  response: ServerResponse,
  work: (progress: (event: ProgressEvent) => void) => Promise<unknown>,
): Promise<void> {
  const progress = openLines(response);
  response.flushHeaders();
  try {
    progress({ type: 'done', result: await work(progress) });
  } catch (error) {
    progress({ type: 'failed', error: reportError(error) });
  }
  response.end();
}
