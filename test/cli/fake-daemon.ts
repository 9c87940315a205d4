import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Paths, socketPath } from '../../src/store/paths.ts';

/** Answers one request; `body` is its JSON. */
export type Route = (body: unknown, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** A server that speaks as the daemon does, on a socket in directories of its own. */
export interface FakeDaemon {
  readonly paths: Paths;
  /** `POST /v1/up`, with what was sent, in order. */
  readonly requests: { readonly route: string; readonly body: unknown }[];
  readonly close: () => Promise<void>;
}

/** Routes by `METHOD /path`, without the query. */
export async function fakeDaemon(routes: Readonly<Record<string, Route>>): Promise<FakeDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'tsstack-cli-'));
  const paths: Paths = { state: `${directory}/state`, run: directory };
  const requests: FakeDaemon['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    requests.push({ route, body });
    const handler = routes[route];
    if (handler === undefined) json(response, { code: 'not-found', message: `no route ${route}` }, 404);
    else await handler(body, response, request);
  });
  await new Promise<void>((resolve) => server.listen(socketPath(paths), resolve));
  return {
    paths,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Answers with one event a line. */
export function ndjson(response: ServerResponse, events: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}
