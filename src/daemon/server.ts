import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import findMyWay from 'find-my-way';
import { removeAbandoned } from '../engine/ended-one-offs.ts';
import type { Engine } from '../engine/engine.ts';
import { type ErrorReport, TsstackError } from '../model/error.ts';
import { Connections } from './connections.ts';
import { HttpError, leaveBody, openLines, readJson, sendError, sendJson, stream } from './http.ts';
import { Body } from './requests.ts';
import type { Route, RouteContext } from './route.ts';
import { ROUTES } from './routes.ts';

// An ES import of node:http touches every export, and one of them loads a whole WebSocket client: 30 ms at each start.
const { createServer } = process.getBuiltinModule('node:http');

/** For a client that says nothing, or its request byte by byte: until its head, and until its body is there. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 };
/** Connections that the kernel keeps for us while we do something else; one more is told EAGAIN. */
const BACKLOG = 4096;
type StreamRoute = Extract<Route, { readonly stream: unknown }>;
type FollowRoute = Extract<Route, { readonly follow: unknown }>;

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
  readonly #connections = new Connections();
  /** Ends the requests that go on until somebody ends them. */
  readonly #endless = new Set<() => void>();
  #pending = 0;
  #path = '';
  /** Waits until nothing is being answered. */
  #quiet: PromiseWithResolvers<void> | undefined;

  /** `onQuiet` is called whenever the last request under way has been answered. */
  constructor(engine: Engine, onQuiet: () => void) {
    this.#engine = engine;
    this.#onQuiet = onQuiet;
    const router = findMyWay<findMyWay.HTTPVersion.V1>();
    for (const route of ROUTES) router.on(route.method, route.path, () => undefined, route);
    this.#server = createServer(LIMITS, (request, response) => {
      leaveBody(request, response);
      const url = URL.parse(request.url ?? '/', 'http://localhost');
      const found = url === null ? null : router.find(request.method as 'GET', url.pathname);
      if (url === null || found === null) sendJson(response, NO_ROUTE, 404);
      else
        void this.#serve(found.store as Route, request, response, {
          parameters: found.params,
          query: url.searchParams,
        });
    });
    this.#server.on('connection', (socket) => this.#connections.add(socket));
  }

  get pending(): number {
    return this.#pending;
  }

  /** An old socket file is removed: whoever holds the records is the only daemon. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    this.#path = path;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // The socket is bound before listen() returns. The mask is the whole process's: held any longer, files that others
      // make meanwhile could not be executed.
      const previous = process.umask(0o177);
      this.#server.listen({ path, backlog: BACKLOG }, resolve);
      process.umask(previous);
    });
    chmodSync(path, 0o600);
  }

  /** Stops listening and ends what goes on without end; what else is being answered is finished. */
  async close(): Promise<void> {
    // Nobody new comes. The server itself is closed last: it would cut off answers that are on their way
    // (http.Server.closeIdleConnections() takes what has been handed to the socket for sent).
    rmSync(this.#path, { force: true });
    for (const end of this.#endless) end();
    if (this.#pending > 0) {
      this.#quiet = Promise.withResolvers();
      await this.#quiet.promise;
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Also those on which nobody has said a word: they would be waited for.
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
    { parameters, query }: Pick<RouteContext, 'parameters' | 'query'>,
  ): Promise<void> {
    const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
    const counts = !('follow' in route);
    if (counts) this.#pending += 1;
    try {
      refuseBrowsers(request);
      const body = route.method === 'POST' ? await readJson(request) : undefined;
      this.#connections.asks(request, response);
      const context = { engine: this.#engine, body, parameters, query, requests: this.#requests };
      await this.#engine.recover();
      removeAbandoned(this.#engine);
      if ('answer' in route) sendJson(response, await route.answer(context));
      else if ('follow' in route) await this.#follow(route, context, response);
      else await this.#stream(route, context, response);
    } catch (error) {
      sendError(response, error);
    }
    // Until its last byte is on its way.
    await closed;
    if (!counts) return;
    this.#pending -= 1;
    if (this.#pending > 0) return;
    this.#quiet?.resolve();
    this.#onQuiet();
  }

  async #stream(route: StreamRoute, context: RouteContext, response: ServerResponse): Promise<void> {
    const body = new Body(context.body);
    const requestId = body.optionalText('requestId');
    const dryRun = body.flag('dryRun');
    if (requestId !== undefined && this.#requests.has(requestId)) {
      throw new TsstackError('conflict', `Another request "${requestId}" is under way`);
    }
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (requestId !== undefined) this.#requests.set(requestId, controller);
    if (route.endsWithClient === true) response.on('close', abort);
    // What waits for an end nobody knows is not waited for when the daemon is to end.
    if (route.path === '/v1/watch' || body.flag('whenEnded')) this.#endless.add(abort);
    try {
      await stream(response, (progress) =>
        this.#engine.whileBusy(() => route.stream(context, { signal: controller.signal, progress, dryRun })),
      );
    } finally {
      if (requestId !== undefined) this.#requests.delete(requestId);
      this.#endless.delete(abort);
    }
  }

  /** Does not keep the daemon: it ends with the client or with us. */
  async #follow(route: FollowRoute, context: RouteContext, response: ServerResponse): Promise<void> {
    const end = (): void => void response.end();
    const stop = route.follow(context, openLines(response), end);
    response.flushHeaders();
    this.#endless.add(end);
    await new Promise<void>((resolve) => response.once('close', () => resolve()));
    this.#endless.delete(end);
    stop();
  }
}

/** One word, as `curl` and other clients of a unix socket write it; some write the socket's path, percent-encoded. */
const SOCKET_HOST = /^(?:[\w-]*|(?:[\w-]+\.)*localhost|%2F[\w%.-]*)$/i;

/**
 * A page in a browser can't send a request to us by accident or by malice, not even where somebody relays a port to the
 * socket: ours carry none of a browser's headers, and name no host of a network.
 */
function refuseBrowsers({ headers }: IncomingMessage): void {
  const marks = ['origin', 'referer', 'sec-fetch-site', 'sec-fetch-mode', 'access-control-request-method'];
  if (marks.some((name) => headers[name] !== undefined)) throw new HttpError(403, 'Requests from browsers are refused');
  if (SOCKET_HOST.test(headers.host ?? '')) return;
  throw new HttpError(403, `The host "${headers.host}" is not this socket`, 'Ask for http://localhost/…');
}
