import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { hostArchitecture } from '../../src/image/platform.ts';
import { digestOf } from './image-builder.ts';

export interface Stored {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly data: Buffer;
}

export interface TestImage {
  readonly manifest: Stored;
  readonly config: Stored;
  readonly layers: readonly Stored[];
}

const OCI = 'application/vnd.oci.image';

export function stored(data: Buffer | string | object, mediaType: string): Stored {
  const plain = typeof data === 'string' || Buffer.isBuffer(data);
  const bytes = Buffer.from(plain ? (data as Buffer) : JSON.stringify(data));
  return { mediaType, digest: digestOf(bytes), size: bytes.length, data: bytes };
}

export function descriptor({ mediaType, digest, size }: Stored) {
  return { mediaType, digest, size };
}

/** An image whose layers are these bytes: good enough for whoever does not unpack them. */
export function testImage(
  layers: readonly Buffer[],
  platform: object = { os: 'linux', architecture: hostArchitecture() },
): TestImage {
  const rootfs = { type: 'layers', diff_ids: layers.map(digestOf) };
  const config = stored({ ...platform, config: {}, rootfs }, `${OCI}.config.v1+json`);
  const blobs = layers.map((layer) => stored(layer, `${OCI}.layer.v1.tar`));
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: descriptor(config),
    layers: blobs.map(descriptor),
  };
  return { manifest: stored(manifest, manifest.mediaType), config, layers: blobs };
}

export function testIndex(images: readonly { readonly image: TestImage; readonly platform: object }[]): Stored {
  const mediaType = `${OCI}.index.v1+json`;
  const manifests = images.map(({ image, platform }) => ({ ...descriptor(image.manifest), platform }));
  return stored({ schemaVersion: 2, mediaType, manifests }, mediaType);
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers itself, or gives false to have the usual answer. */
type Handler = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A registry that one can read, on a free port of the loopback; `handler` is asked first. */
export class HttpRegistry {
  readonly seen: Seen[] = [];
  readonly #answers = new Map<string, Stored>();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  handler: Handler = () => false;
  /** false: the whole blob is sent, whatever range was asked for. */
  ranges = true;

  static async start(): Promise<HttpRegistry> {
    const registry = new HttpRegistry();
    registry.#server.on('connection', (socket) => {
      registry.#sockets.add(socket);
      socket.on('close', () => registry.#sockets.delete(socket)).on('error', () => {});
    });
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  addImage(repository: string, tag: string, image: TestImage): void {
    this.addDocument(repository, tag, image.manifest);
    for (const blob of [image.config, ...image.layers])
      this.#answers.set(`/v2/${repository}/blobs/${blob.digest}`, blob);
  }

  addDocument(repository: string, tag: string, document: Stored): void {
    for (const name of [tag, document.digest]) this.#answers.set(`/v2/${repository}/manifests/${name}`, document);
  }

  paths(pattern: RegExp): readonly string[] {
    return this.seen.map(({ method, url }) => `${method} ${url}`).filter((line) => pattern.test(line));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    if (await this.handler(request, response)) return;
    const found = this.#answers.get(request.url ?? '');
    if (found === undefined)
      return json(response, request.url === '/v2/' ? 200 : 404, errorBody('NAME_UNKNOWN', 'not here'));
    const start = this.ranges ? Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const headers = {
      'content-type': found.mediaType,
      'docker-content-digest': found.digest,
      'content-length': found.size - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` }),
    };
    response.writeHead(start > 0 ? 206 : 200, headers);
    response.end(request.method === 'HEAD' ? undefined : found.data.subarray(start));
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function errorBody(code: string, message: string): object {
  return { errors: [{ code, message }] };
}

/** A whole answer, as a handler gives it. */
export function respond(status: number, headers: Record<string, string> = {}, body: string | Buffer = '') {
  return (response: ServerResponse): boolean => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}
