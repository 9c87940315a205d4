import { type IncomingMessage, request } from 'node:http';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: Record<string, unknown>;
  /** The lines of an x-ndjson answer. */
  readonly lines: readonly Record<string, unknown>[];
}

/** One request on a unix socket; gives the answer when its head has come. */
export function open(socketPath: string, { method, path, body, headers }: Question): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      agent: false,
    });
    call.once('response', resolve);
    call.once('error', reject);
    call.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
}

/** The same with the whole answer. */
export async function ask(socketPath: string, question: Question): Promise<Answer> {
  const response = await open(socketPath, question);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const type = response.headers['content-type'] ?? '';
  const lines = type.includes('ndjson')
    ? text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  return { status: response.statusCode ?? 0, type, text, lines, json: lines.length > 0 ? {} : JSON.parse(text) };
}
