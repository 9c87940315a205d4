import { TsstackError } from '../../model/error.ts';
import type { Endpoint } from './registries.ts';
import { Again, type Timing } from './retry.ts';
import { SETTINGS_FILE } from './settings-file.ts';

/** With whom the connection was, in the words of what wants it. */
export interface Peer {
  readonly timing: Timing;
  /** Through which it goes: `http://HOST:PORT`. */
  readonly proxy?: string;
  /** Has the server's name in front of what is wrong. */
  readonly unreachable: (message: string, hint?: string) => TsstackError;
  readonly failed: (message: string, cause: unknown) => TsstackError;
  /** What to do about a certificate of an unknown authority. */
  readonly authorityHint: string;
  /** What to do about a server that does not speak TLS. */
  readonly plainHttpHint: string;
}

/** What a failed connection means for the user, and whether another may do better. Gives what is to be thrown. */
export function connectionFailure(error: unknown, peer: Peer): unknown {
  if (error instanceof TsstackError || error instanceof Again) return error;
  const first = firstOf(error);
  const code = String((first as NodeJS.ErrnoException).code ?? '');
  const refused = proxyRefusal(first, code, peer);
  if (refused !== undefined) return refused;
  if (first.name === 'AbortError' || code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED')
    return new TsstackError('cancelled', 'the transfer was cancelled');
  const reason = permanent(code, first, peer);
  if (reason !== undefined) return peer.unreachable(reason.message, reason.hint);
  const { connectMs, silenceMs } = peer.timing;
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new Again(peer.unreachable(`no connection in ${connectMs / 1000} s`), { weight: 2 });
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new Again(peer.unreachable(`it said nothing for ${silenceMs / 1000} s`), {
      weight: 2,
    });
  }
  // Resets, ends before the end, name servers that are busy.
  if (CONNECTION_CODES.has(code)) {
    return new Again(peer.unreachable(`the connection broke off (${describe(first, code)})`));
  }
  if (first.name === 'HTTPParserError' || code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return peer.failed('what it answers is not HTTP', error);
  }
  // Neither the network's nor the peer's: of the body that we send, or a bug.
  return error;
}

/** What a proxy says instead of passing on what we ask; undefined: it is not the proxy's doing. */
function proxyRefusal(error: Error, code: string, peer: Peer): unknown {
  if (peer.proxy === undefined) return undefined;
  if (code === 'UND_ERR_PRX_CONN') {
    return new Again(peer.unreachable('the proxy breaks the connection off'));
  }
  if (code === 'UND_ERR_PRX_TLS') {
    return peer.unreachable('the certificate of the proxy is for another name');
  }
  const [, status] = /^Proxy (?:response|Authentication Required) \(([0-9]{3})\)/.exec(error.message) ?? [];
  if (status === undefined) return undefined;
  if (status === '407') {
    return peer.unreachable(
      'the proxy wants to know who you are, or does not know you (407)',
      'Write user and password into the variable: http://USER:PASSWORD@HOST:PORT, with % and @ in them as %25 and %40.',
    );
  }
  const reason = {
    message: `the proxy does not let us through (${status})`,
    hint: 'Ask whoever runs it, or write the host into NO_PROXY.',
  };
  const failure = peer.unreachable(reason.message, reason.hint);
  return Number(status) >= 500 ? new Again(failure) : failure;
}

interface Reason {
  readonly message: string;
  readonly hint?: string;
}

const CONNECTION_CODES = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'EAI_AGAIN',
  'ECONNABORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ENOTFOUND: 'there is no host of that name (ENOTFOUND)',
  EHOSTUNREACH: 'there is no way to that host (EHOSTUNREACH)',
  ENETUNREACH: 'there is no way to its network (ENETUNREACH)',
  EACCES: 'this machine does not let us connect (EACCES)',
};

function permanent(code: string, error: Error, { authorityHint, plainHttpHint }: Peer): Reason | undefined {
  const network = NETWORK[code];
  if (network !== undefined) return { message: network, hint: 'Check the name and port, and the network.' };
  if (UNKNOWN_AUTHORITY.has(code)) {
    return {
      message: `its certificate is signed by an authority that this machine does not know (${code})`,
      hint: authorityHint,
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return {
      message: `its certificate is not valid now (${code})`,
      hint: 'Renew it, or set the clock of this machine.',
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { reason } = error as Error & { readonly reason?: string };
    return {
      message: `its certificate is for another name: ${(reason ?? code).slice(0, 200)}`,
      hint: 'Use a name that is in it.',
    };
  }
  if (/wrong.version.number|packet.length.too.long|http.request/i.test(`${code} ${error.message}`)) {
    return {
      message: 'it does not speak TLS on that port, but probably plain HTTP',
      hint: plainHttpHint,
    };
  }
  if (/^(?:ERR_SSL|ERR_TLS|CERT_|EPROTO|ERR_OSSL|HOSTNAME_MISMATCH|INVALID_)/.test(code))
    return { message: `TLS fails (${code})` };
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined || CONNECTION_CODES.has(code) || code === 'ETIMEDOUT' || !SOCKET_CALLS.has(syscall)
    ? undefined
    : { message: `${syscall} fails (${code})` };
}

const SOCKET_CALLS = new Set(['connect', 'getaddrinfo', 'read', 'write']);

/** A registry, at `url` or on the way to what is there. */
export function registryPeer({ endpoint, url, timing, proxy }: Registry): Peer {
  const through = proxy === undefined ? {} : { proxy };
  const name = place({ endpoint, url, ...through });
  const owner = url.origin === endpoint.origin ? endpoint.name : url.host;
  return {
    timing,
    ...through,
    unreachable: (message, hint) => new TsstackError('registry-unreachable', `Registry ${name}: ${message}`, { hint }),
    failed: (message, cause) => new TsstackError('registry-failed', `Registry ${name}: ${message}`, { cause }),
    authorityHint: `Put the certificate of the authority into /etc/docker/certs.d/${owner}/ca.crt, or name it in ${SETTINGS_FILE}.`,
    plainHttpHint: `If that is meant, write "http: true" for ${endpoint.name} into ${SETTINGS_FILE}.`,
  };
}

interface Registry {
  readonly endpoint: Endpoint;
  readonly url: URL;
  readonly timing: Timing;
  readonly proxy?: string | undefined;
}

/** The registry, and the host that it has sent us to. An address of a blob's store holds secrets beyond its host. */
function place({ endpoint, url, proxy }: Pick<Registry, 'endpoint' | 'url' | 'proxy'>): string {
  const { host } = new URL(endpoint.origin);
  const at = url.origin !== endpoint.origin ? `at ${url.origin}` : host === endpoint.name ? '' : `at ${host}`;
  const where = [at, proxy === undefined ? '' : `through the proxy ${proxy}`].filter((part) => part !== '').join(', ');
  return where === '' ? endpoint.name : `${endpoint.name} (${where})`;
}

/** Node tries all addresses of a host, and undici wraps what the socket says. */
function firstOf(error: unknown): Error {
  if (error instanceof AggregateError && error.errors.length > 0) return firstOf(error.errors[0]);
  const made = error instanceof Error ? error : new Error(String(error));
  const { cause } = made;
  const inner = cause instanceof Error && typeof (cause as NodeJS.ErrnoException).code === 'string';
  return inner && (made as NodeJS.ErrnoException).code === undefined ? firstOf(cause) : made;
}

function describe(error: Error, code: string): string {
  return code === 'UND_ERR_SOCKET' ? error.message.slice(0, 100) : code;
}
