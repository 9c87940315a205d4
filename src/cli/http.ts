import type { Socket } from 'node:net';

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Closes the connection; the body then ends with an error. */
  readonly signal?: AbortSignal;
}

/** An answer whose head has come. The connection is closed when the body has been read or left. */
export interface HttpResponse {
  readonly status: number;
  readonly body: AsyncGenerator<Uint8Array>;
}

/**
 * HTTP/1.1 (RFC 9112) on a unix socket, one connection a request. `node:http` does the same and costs 10 to 40 ms to
 * load, half of what a command may take. Throws the socket's error; ECONNRESET for an answer that is cut off.
 */
export async function httpRequest(socketPath: string, request: HttpRequest): Promise<HttpResponse> {
  const { connect } = await import('node:net');
  request.signal?.throwIfAborted();
  const socket = connect(socketPath);
  request.signal?.addEventListener('abort', () => socket.destroy());
  socket.write(serialize(request));
  const input = new Input(socket);
  try {
    const head = await input.until('\r\n\r\n');
    const [statusLine = '', ...fields] = head.toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) throw new Error(`not an HTTP answer: ${statusLine.slice(0, 80)}`);
    return { status, body: readBody(input, parseFields(fields)) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function serialize({ method, path, body }: HttpRequest): Buffer {
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const fields = [
    'host: tsstack',
    'connection: close',
    'content-type: application/json',
    `content-length: ${bytes.length}`,
  ];
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

function parseFields(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** The length of a body is told by chunks, by a number, or by the end of the connection (RFC 9112, section 6.3). */
async function* readBody(input: Input, fields: ReadonlyMap<string, string>): AsyncGenerator<Uint8Array> {
  try {
    if (fields.get('transfer-encoding')?.toLowerCase() === 'chunked') yield* readChunks(input);
    else if (fields.has('content-length')) yield* input.take(Number(fields.get('content-length')));
    else yield* input.rest();
  } finally {
    input.close();
  }
}

async function* readChunks(input: Input): AsyncGenerator<Uint8Array> {
  for (;;) {
    const length = Number.parseInt((await input.until('\r\n')).toString('latin1'), 16);
    if (Number.isNaN(length)) throw new Error('not a chunk of HTTP');
    if (length === 0) return;
    yield* input.take(length);
    await input.until('\r\n');
  }
}

/** What came in from a socket and has not been taken yet. */
class Input {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Bytes before `mark`, which is taken too. */
  async until(mark: string): Promise<Buffer> {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at === -1) {
        await this.#more();
        continue;
      }
      const taken = this.#bytes.subarray(0, at);
      this.#bytes = this.#bytes.subarray(at + mark.length);
      return taken;
    }
  }

  /** The next `length` bytes, as they come. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (this.#bytes.length === 0) await this.#more();
      const part = this.#bytes.subarray(0, left);
      this.#bytes = this.#bytes.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#bytes.length > 0) yield this.#bytes;
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value;
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done === true) throw Object.assign(new Error('the answer was cut off'), { code: 'ECONNRESET' });
    this.#bytes = this.#bytes.length === 0 ? value : Buffer.concat([this.#bytes, value]);
  }
}
