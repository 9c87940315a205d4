import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import findMyWay from 'find-my-way';
import type { Engine } from '../engine/engine.ts';
import { type ErrorReport, TsstackError } from '../model/error.ts';
import { readJson, sendError, sendJson, stream } from './http.ts';
import { Body } from './requests.ts';
import type { Route, RouteContext } from './route.ts';
import { ROUTES } from './routes.ts';

// An ES import of node:http touches every export, and one of them loads a whole WebSocket client: 30 ms at each start.
const { createServer } = process.getBuiltinModule('node:http');

const HEADERS_TIMEOUT_MS = 10_000;
const NO_ROUTE: ErrorReport = { code: 'not-found', message: 'There is no such route; see /v1/openapi.json' };

/**
 * The API on a unix socket, mode 0600. Invariant: `pending` is the number of requests that are being answered, so that
 * the daemon knows when it may end.
 */
export class ApiServer {
  readonly #engine: Engine;
  readonly #server: Server;
  readonly #requests = new Map<string, AbortController>();
  readonly #onQuiet: () => void;
  #pending = 0;

  /** `onQuiet` is called whenever the last request under way has been answered. */
  constructor(engine: Engine, onQuiet: () => void) {
    this.#engine = engine;
    this.#onQuiet = onQuiet;
    const router = findMyWay<findMyWay.HTTPVersion.V1>();
    for (const route of ROUTES) router.on(route.method, route.path, () => undefined, route);
    this.#server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const found = router.find(request.method as 'GET', url.pathname);
      if (found === null) sendJson(response, NO_ROUTE, 404);
      else
        void this.#serve(found.store as Route, request, response, {
          parameters: found.params,
          query: url.searchParams,
        });
    });
  }

  get pending(): number {
    return this.#pending;
  }

  /** An old socket file is removed: whoever holds the records is the only daemon. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    const previous = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(path, resolve);
      });
    } finally {
      process.umask(previous);
    }
    chmodSync(path, 0o600);
  }

  /** Stops listening; what is being answered is finished. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await closed;
  }

  async #serve(
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
    { parameters, query }: Pick<RouteContext, 'parameters' | 'query'>,
  ): Promise<void> {
    this.#pending += 1;
    try {
      refuseBrowsers(request);
      const body = route.method === 'POST' ? await readJson(request) : undefined;
      const context = { engine: this.#engine, body, parameters, query, requests: this.#requests };
      if ('answer' in route) sendJson(response, await route.answer(context));
      else await this.#stream(route, context, response);
    } catch (error) {
      sendError(response, error);
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0) this.#onQuiet();
    }
  }

  async #stream(
    route: Extract<Route, { stream: unknown }>,
    context: RouteContext,
    response: ServerResponse,
  ): Promise<void> {
    const requestId = new Body(context.body).optionalText('requestId');
    const controller = new AbortController();
    if (requestId !== undefined) this.#requests.set(requestId, controller);
    // A watch is for its client; everything else goes on without.
    if (route.path === '/v1/watch') response.on('close', () => controller.abort());
    try {
      await stream(response, (progress) =>
        this.#engine.whileBusy(() => route.stream(context, { signal: controller.signal, progress })),
      );
    } finally {
      if (requestId !== undefined) this.#requests.delete(requestId);
    }
  }
}

/** A page in a browser can't send a request to us by accident or by malice: ours carry neither header. */
function refuseBrowsers(request: IncomingMessage): void {
  if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
    throw new TsstackError('usage', 'Requests from browsers are refused');
  }
}
