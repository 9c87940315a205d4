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

/** Reads a JSON body. Throws `usage` when it is too large or not JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES)
      throw new TsstackError('usage', `The request is larger than ${BODY_LIMIT_BYTES} bytes`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new TsstackError('usage', 'The request is not JSON');
  }
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
  sendJson(response, report, STATUS_OF[report.code] ?? 500);
}

/** What writes one item a line, as long as the client is there: one that went away is no error. */
export function openLines(response: ServerResponse): (item: unknown) => void {
  response.setHeader('content-type', 'application/x-ndjson');
  response.setHeader('cache-control', 'no-store');
  response.on('error', () => undefined);
  return (item) => {
    if (!response.writableEnded && !response.destroyed) response.write(`${JSON.stringify(item)}\n`);
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
