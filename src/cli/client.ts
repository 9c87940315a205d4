import type { ContainerEvent } from '../daemon/api.ts';
import { type ErrorReport, InvalidDockerfileError, InvalidStackError, TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import { type Paths, socketPath } from '../store/paths.ts';
import { type HttpRequest, type HttpResponse, httpRequest } from './http.ts';
import { readNdjson } from './ndjson.ts';

/** A daemon that is on its way out closes connections that it has not looked at: those calls are made again. */
const ATTEMPTS = 3;

/**
 * Speaks to the daemon (`src/daemon/api.ts`), one connection a call, and starts it where none answers. Every method
 * throws the daemon's own error, or `daemon-unreachable`.
 */
export class DaemonClient {
  readonly #paths: Paths;
  readonly #daemonEntry: string;

  /** `daemonEntry`: the file that Node starts a daemon from. */
  constructor(paths: Paths, daemonEntry: string) {
    this.#paths = paths;
    this.#daemonEntry = daemonEntry;
  }

  /** The answer's JSON; the caller names its type as api.ts does. */
  async get<T>(path: string): Promise<T> {
    return (await readJson(await this.#call({ method: 'GET', path }))) as T;
  }

  /** Like `get()`, but undefined where no daemon runs: none is started. */
  async getIfRunning<T>(path: string): Promise<T | undefined> {
    try {
      return (await readJson(await send(socketPath(this.#paths), { method: 'GET', path }))) as T;
    } catch (error) {
      if (isUnanswered(error)) return undefined;
      throw error;
    }
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return (await readJson(await this.#call({ method: 'POST', path, body }))) as T;
  }

  /** Progress of a request; the last event is `done` or `failed`. Throws when the stream ends before that. */
  async *progress(path: string, body: unknown): AsyncGenerator<ProgressEvent> {
    const response = await this.#call({ method: 'POST', path, body });
    let last: ProgressEvent | undefined;
    try {
      for await (const event of readNdjson(response.body)) {
        last = event as ProgressEvent;
        yield last;
      }
    } catch (error) {
      if (last?.type !== 'done' && last?.type !== 'failed') throw connectionLost(error);
    }
    if (last?.type !== 'done' && last?.type !== 'failed') throw connectionLost(undefined);
  }

  /**
   * What happens to a stack's containers from `sinceMs` on, until `signal` or before `untilMs`. Ends when the daemon does;
   * `whole` is called first where that broke nothing off.
   */
  events(
    stack: string,
    sinceMs: number,
    signal: AbortSignal,
    { untilMs, whole }: { readonly untilMs?: number | undefined; readonly whole?: () => void } = {},
  ): AsyncGenerator<ContainerEvent> {
    const until = untilMs === undefined ? '' : `&until=${untilMs}`;
    const path = `/v1/stacks/${encodeURIComponent(stack)}/events?since=${sinceMs}${until}`;
    return this.#endless({ method: 'GET', path, signal }, whole);
  }

  /** Items without end, until `signal`. Ends when the daemon does. */
  follow<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
    return this.#endless({ method: 'POST', path, body, signal });
  }

  async *#endless<T>(call: HttpRequest & { readonly signal: AbortSignal }, whole?: () => void): AsyncGenerator<T> {
    try {
      const response = await this.#call(call);
      for await (const item of readNdjson(response.body)) yield item as T;
      whole?.();
    } catch (error) {
      if (!call.signal.aborted && !isUnanswered(error)) throw error;
    }
  }

  async #call(call: HttpRequest): Promise<HttpResponse> {
    const socket = socketPath(this.#paths);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send(socket, call);
      } catch (error) {
        if (!isUnanswered(error) || call.signal?.aborted === true) throw explain(error, socket);
        if (attempt === ATTEMPTS) throw connectionLost(error);
      }
      const { startDaemon } = await import('./start-daemon.ts');
      await startDaemon(this.#paths, this.#daemonEntry);
    }
  }
}

/** Resolves when the status is known; throws the answer's `ErrorReport` where it is not 2xx. */
async function send(socket: string, call: HttpRequest): Promise<HttpResponse> {
  const response = await httpRequest(socket, call);
  if (response.status < 300) return response;
  const report = await readJson(response).catch(() => undefined);
  if (isErrorReport(report)) throw fromReport(report);
  throw new TsstackError('internal', `The daemon answered with HTTP status ${response.status}`);
}

async function readJson({ body }: HttpResponse): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}

function isErrorReport(value: unknown): value is ErrorReport {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** The error that a report was made from. */
export function fromReport(report: ErrorReport): TsstackError {
  if (report.diagnostics !== undefined) {
    const invalid = report.code === 'invalid-dockerfile' ? InvalidDockerfileError : InvalidStackError;
    return new invalid(report.diagnostics);
  }
  return new TsstackError(report.code, report.message, {
    ...(report.hint !== undefined && { hint: report.hint }),
    ...(report.details !== undefined && { details: report.details }),
    ...(report.failedImage !== undefined && { failedImage: report.failedImage }),
    ...(report.address !== undefined && { address: report.address as never }),
  });
}

/** No daemon (no socket, nobody listens), or one that went before it said a word. */
function isUnanswered(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

function explain(error: unknown, socket: string): unknown {
  if (!(error instanceof Error && 'code' in error) || error.code !== 'EACCES') return error;
  return new TsstackError('daemon-unreachable', `No permission to use ${socket}`, {
    hint: 'It is of another user: look at TSSTACK_RUN_DIR and XDG_RUNTIME_DIR',
    cause: error,
  });
}

function connectionLost(cause: unknown): TsstackError {
  return new TsstackError('daemon-unreachable', 'The connection to the daemon was lost before it had answered', {
    hint: 'Run the command again: it goes on from what is there',
    cause,
  });
}
