import { printableLines } from '../../lib/printable-lines.ts';
import { TsstackError } from '../../model/error.ts';
import { type Answer, type Connections, headerOf, readAnswer } from './connections.ts';
import type { Endpoint } from './registries.ts';
import { Again } from './retry.ts';

export interface Asked {
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  /** What could not be done: `Cannot get manifest "1.0" of registry.test/app`. */
  readonly what: string;
}

const BODY_BYTES = 64 * 1024;
/** The peer's own trouble, or a pause that it asks for (RFC 9110, section 15; RFC 6585). */
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** true: the same request may succeed later. */
export function mayPass(status: number): boolean {
  return PASSING.has(status);
}

/** An answer that is a refusal, as what is to be thrown: `Again` when a later attempt may succeed. */
export async function answerFailure(answer: Answer, asked: Asked): Promise<TsstackError | Again> {
  const said = await whatItSays(answer, asked);
  const error = explain(answer, asked, said);
  return mayPass(answer.status) ? new Again(error, { afterMs: retryAfterMs(answer) }) : error;
}

function explain(answer: Answer, { what, endpoint }: Asked, said: string): TsstackError {
  const { status, url } = answer;
  const who = url.origin === endpoint.origin ? 'the registry' : `${url.origin}, where the registry sends us,`;
  const message = `${what}: ${who} answers ${status}${said === '' ? '' : ` (${said})`}`;
  if (status === 429 || (status === 403 && headerOf(answer, 'retry-after') !== undefined))
    return limited(answer, what, endpoint);
  if (status === 401 || status === 403) return denied(message, endpoint);
  if (status === 404) {
    return new TsstackError('image-missing', message, {
      hint: 'Check the name and the tag, and whether it is in this registry.',
    });
  }
  if (status === 400 && /HTTP request (?:was sent )?to (?:an )?HTTPS/i.test(said)) {
    return new TsstackError('registry-unreachable', `${what}: the registry speaks TLS, and was asked by plain HTTP`, {
      hint: `Put the certificate of its authority into /etc/docker/certs.d/${endpoint.name}/ca.crt, or write "http: false" for it into registries.yaml.`,
    });
  }
  return new TsstackError('registry-failed', message, {
    hint: status >= 500 ? 'Try again later, or ask those who run the registry.' : undefined,
  });
}

/** `message` says what was refused. */
export function denied(message: string, { name }: Endpoint): TsstackError {
  return new TsstackError('registry-denied', message, {
    hint: `If the name is right, log in as a user who may do this: tsstack login ${name}`,
  });
}

function limited(answer: Answer, what: string, { name }: Endpoint): TsstackError {
  const limit = quota(headerOf(answer, 'ratelimit-limit') ?? headerOf(answer, 'x-ratelimit-limit'));
  const left = quota(headerOf(answer, 'ratelimit-remaining') ?? headerOf(answer, 'x-ratelimit-remaining'));
  const afterMs = retryAfterMs(answer);
  const numbers = [
    ...(limit === undefined ? [] : [`its limit is ${limit}`]),
    ...(left === undefined ? [] : [`${left.replace(/ in .*/, '')} are left`]),
    ...(afterMs === undefined ? [] : [`it may be asked again in ${Math.ceil(afterMs / 1000)} s`]),
  ];
  const detail = numbers.length === 0 ? '' : `: ${numbers.join(', ')}`;
  return new TsstackError('registry-limited', `${what}: the registry allows no more requests for now${detail}`, {
    hint: `Wait, or log in for a higher limit (tsstack login ${name}), or set a mirror in registries.yaml.`,
  });
}

/** `100;w=21600`: requests, and in how many seconds. */
function quota(text: string | undefined): string | undefined {
  const [, count, seconds] = /^([0-9]{1,9})(?:\s*;.*?w=([0-9]{1,9}))?/.exec(text ?? '') ?? [];
  if (count === undefined) return undefined;
  if (seconds === undefined) return `${count} requests`;
  const hours = Number(seconds) / 3600;
  return `${count} requests in ${Number.isInteger(hours) ? `${hours} h` : `${seconds} s`}`;
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(answer: Pick<Answer, 'headers'>): number | undefined {
  const text = headerOf(answer, 'retry-after');
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The errors of the distribution specification ("Error Codes"), or the first line of whatever else it sent. */
async function whatItSays(answer: Answer, asked: Asked): Promise<string> {
  let text = '';
  try {
    text = (await readAnswer(asked, answer, BODY_BYTES))?.toString('utf8') ?? '';
  } catch {
    // The status says enough.
  }
  return printable(errorsIn(text) ?? (/^\s*</.test(text) ? titleOf(text) : text));
}

function errorsIn(text: string): string | undefined {
  try {
    const { errors, details } = JSON.parse(text) as { readonly errors?: unknown; readonly details?: unknown };
    if (typeof details === 'string') return details;
    if (!Array.isArray(errors)) return undefined;
    const parts = errors.slice(0, 3).map((each: unknown) => {
      const { code, message } = (each ?? {}) as { readonly code?: unknown; readonly message?: unknown };
      return [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
    });
    return parts.filter((part) => part !== '').join('; ');
  } catch {
    return undefined;
  }
}

function titleOf(html: string): string {
  return /<title>([^<]*)</i.exec(html)?.[1] ?? '';
}

function printable(text: string): string {
  const [line = ''] = printableLines(text.trim().split('\n')[0] ?? '', 1);
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
