import { BlockList, isIP } from 'node:net';
import { settingsInvalid } from './settings-file.ts';

/** Through whom a host is asked. */
export interface RegistryProxy {
  /** `http://HOST:PORT` or `https://HOST:PORT`, without what is secret: for messages. */
  readonly origin: string;
  /** Value of Proxy-Authorization; secret. */
  readonly authorization?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether an exception of NO_PROXY holds for a host. */
type Exception = (host: string, port: string) => boolean;

/**
 * The proxies of an environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or the same in lower case, read as Go's
 * golang.org/x/net/http/httpproxy does, and so as Docker, podman and skopeo do.
 */
export class Proxies {
  readonly #env: Environment;
  readonly #exceptions: readonly Exception[];

  constructor(env: Environment) {
    this.#env = env;
    this.#exceptions = words(variable(env, 'NO_PROXY')).map(exception);
  }

  /** undefined: it is asked directly, as this machine always is. Throws `registry-settings` for what is no proxy. */
  for({ protocol, hostname, port }: URL): RegistryProxy | undefined {
    const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const value = variable(this.#env, name);
    if (value === '') return undefined;
    const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
    if (isThisMachine(host)) return undefined;
    const wanted = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
    return this.#exceptions.some((each) => each(host, wanted)) ? undefined : parseProxy(name, value);
  }
}

function variable(env: Environment, name: string): string {
  return (env[name] || env[name.toLowerCase()] || '').trim();
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || includes(LOOPBACK, host);
}

function includes(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * `*`; a network in CIDR notation; an address; a name, which stands for what is below it as well; `.NAME` or `*.NAME` for
 * that only. The last three may have a port.
 */
function exception(word: string): Exception {
  const text = word.toLowerCase();
  if (text === '*') return () => true;
  const network = subnet(text);
  if (network !== undefined) return (host) => includes(network, host);
  const [, bracketed, bare = '', wanted] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? [];
  const name = bracketed ?? (isIP(text) === 6 ? text : bare);
  const isPort = (port: string): boolean => wanted === undefined || wanted === port;
  if (name === '') return () => false;
  if (isIP(name) !== 0) {
    const list = new BlockList();
    list.addAddress(name, isIP(name) === 6 ? 'ipv6' : 'ipv4');
    return (host, port) => isPort(port) && includes(list, host);
  }
  const suffix = name.replace(/^\*?\.?/, '.');
  const itself = suffix.length > name.length;
  return (host, port) => isPort(port) && (host.endsWith(suffix) || (itself && host === name));
}

function subnet(text: string): BlockList | undefined {
  const [, address = '', length = ''] = /^(.+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(length) > (version === 6 ? 128 : 32)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(length), version === 6 ? 'ipv6' : 'ipv4');
  return list;
}

/** Neither the value nor a part of it is ever in a message: it may hold a password. */
function parseProxy(name: string, value: string): RegistryProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw settingsInvalid(
      `${name} in the environment is not the address of an HTTP proxy`,
      'It is [http[s]://][USER:PASSWORD@]HOST[:PORT]; unset it to ask registries directly.',
    );
  }
  if (url.username === '' && url.password === '') return { origin: url.origin };
  return { origin: url.origin, authorization: basic(name, url) };
}

function basic(name: string, { username, password }: URL): string {
  try {
    const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(secret).toString('base64')}`;
  } catch {
    throw settingsInvalid(
      `User or password of ${name} in the environment are not percent-encoded`,
      'Write % as %25 in them.',
    );
  }
}
