import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { DEFAULT_REGISTRY } from '../content/reference.ts';
import { Proxies, type RegistryProxy } from './proxies.ts';
import { readSettings, SETTINGS_FILE, settingsInvalid, type WrittenSettings } from './settings-file.ts';

/** Where and how one registry is asked. */
export interface Endpoint {
  /** `HOST[:PORT]` as in references: the key of its settings, certificates and credentials. */
  readonly name: string;
  /** `https://HOST[:PORT]` */
  readonly origin: string;
  /** Certificates in PEM that are trusted beside the machine's own. */
  readonly ca: readonly string[];
  /** Certificate and key, in PEM, that we show. */
  readonly identity?: { readonly cert: string; readonly key: string };
  /** false: any certificate will do. */
  readonly verify: boolean;
}

export interface RegistryOptions {
  /** Of whoever asks: TSSTACK_REGISTRIES, DOCKER_CONFIG, HOME, PATH, HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Certificates by host, as Docker has them; `/etc/docker/certs.d` unless given. */
  readonly certsDirectory?: string;
}

/**
 * Docker's own registry: its API is at another host than its name says, and Docker's configuration files know it by a
 * third (registry/config.go of Moby: DefaultNamespace, DefaultRegistryHost, IndexServer).
 */
export const DEFAULT = {
  name: DEFAULT_REGISTRY,
  host: 'registry-1.docker.io',
  credentials: 'https://index.docker.io/v1/',
} as const;

const CERTS_DIRECTORY = '/etc/docker/certs.d';

/** The settings of this machine for registries. Read once for a pull, a push or a log-in. */
export class Registries {
  readonly #written: ReadonlyMap<string, WrittenSettings>;
  readonly #certs: string;
  readonly #proxies: Proxies;

  /** Throws `registry-settings`. */
  constructor({ env, certsDirectory = CERTS_DIRECTORY }: RegistryOptions) {
    const path = env['TSSTACK_REGISTRIES'] ?? '';
    this.#written = readSettings(path === '' ? SETTINGS_FILE : path, path !== '');
    this.#certs = certsDirectory;
    this.#proxies = new Proxies(env);
  }

  /** `name`: as in references. Throws `registry-settings` when a certificate cannot be read. */
  endpoint(name: string): Endpoint {
    const written = this.#written.get(name);
    const files = this.#certificates(name);
    const ca = [...(written?.ca ?? []), ...files.ca].map(readPem);
    const { cert, key } = written?.cert === undefined ? files : written;
    const withTls = ca.length > 0 || cert !== undefined || written?.verify !== undefined;
    const http = written?.http ?? (isLoopback(name) && !withTls);
    const host = name === DEFAULT.name ? DEFAULT.host : name;
    return {
      name,
      origin: new URL(`${http ? 'http' : 'https'}://${host}`).origin,
      ca,
      ...(cert !== undefined && key !== undefined && { identity: { cert: readPem(cert), key: readPem(key) } }),
      verify: written?.verify ?? true,
    };
  }

  /** Through whom an origin is asked; undefined: directly. Throws `registry-settings`. */
  proxy(origin: string): RegistryProxy | undefined {
    return this.#proxies.for(new URL(origin));
  }

  /** In the order in which they are asked before the registry itself. */
  mirrors(name: string): readonly Endpoint[] {
    return (this.#written.get(name)?.mirrors ?? []).map((mirror) => {
      const [, scheme, host = mirror] = /^(https?):\/\/(.*)$/.exec(mirror) ?? [];
      const endpoint = this.endpoint(host);
      return scheme === undefined ? endpoint : { ...endpoint, origin: new URL(mirror).origin };
    });
  }

  /** What is less safe than it could be, because somebody wrote so. */
  warnings(name: string): readonly string[] {
    const written = this.#written.get(name);
    if (written?.http === true && !isLoopback(name)) {
      return [`Registry ${name} is asked by plain HTTP (${written.place}): who is on the way reads passwords.`];
    }
    return written?.verify === false ? [`The certificate of registry ${name} is not checked (${written.place}).`] : [];
  }

  /**
   * Whether `from` may send us to `host` by plain HTTP: when both are this machine, or somebody has written that it will
   * do. No registry elsewhere makes us ask, or tell, what listens on this machine only.
   */
  mayUseHttp(host: string, from: Endpoint): boolean {
    return this.#written.get(host)?.http ?? (isLoopback(host) && isLoopback(from.name));
  }

  /** As Docker reads the directory: `*.crt` is trusted, `NAME.cert` with `NAME.key` is what we show. */
  #certificates(name: string): { ca: readonly string[]; cert?: string; key?: string } {
    const directory = `${this.#certs}/${name}`;
    // A redirect may lead to a host of any name.
    if (/^\.|\//.test(name) || !existsSync(directory)) return { ca: [] };
    const names = readdirSync(directory).sort();
    const ca = names.filter((each) => each.endsWith('.crt')).map((each) => `${directory}/${each}`);
    const cert = names.find((each) => each.endsWith('.cert'));
    if (cert === undefined) return { ca };
    const key = `${cert.slice(0, -'.cert'.length)}.key`;
    if (!names.includes(key)) throw settingsInvalid(`${directory}/${cert} has no ${key} beside it`);
    return { ca, cert: `${directory}/${cert}`, key: `${directory}/${key}` };
  }
}

/** `HOST[:PORT]` of this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '').toLowerCase();
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))
  );
}

/** A file with a certificate or key. Its content is never part of an error. */
function readPem(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw settingsInvalid(`Cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (!text.includes('-----BEGIN ')) throw settingsInvalid(`${path} holds nothing in PEM form`);
  return text;
}
