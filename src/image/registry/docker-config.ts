import { chownSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeAtomically } from '../content/atomic-file.ts';
import { asObject, type JsonObject, parseObject } from '../json.ts';
import { DEFAULT } from './registries.ts';
import { settingsInvalid } from './settings-file.ts';

/** How a user proves to a registry who he is. Never part of a message, a log, an argument. */
export type Credentials =
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  /** An OAuth 2 refresh token, for the registry's token server. */
  | { readonly type: 'identity'; readonly token: string }
  /** For the registry itself. */
  | { readonly type: 'bearer'; readonly token: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Docker's `config.json`: who the user is at which registry. Members that mean nothing to us stay as they are. */
export class DockerConfig {
  readonly path: string;

  /** Throws `registry-settings` when the environment names no directory. */
  constructor(env: Environment) {
    const directory = env['DOCKER_CONFIG'] || (env['HOME'] && `${env['HOME']}/.docker`);
    if (!directory) throw settingsInvalid('Neither DOCKER_CONFIG nor HOME is set', 'Set one of them.');
    this.path = `${directory}/config.json`;
  }

  /** Whose credentials a program keeps: its name without `docker-credential-`. undefined: they are in the file. */
  helper(registry: string): string | undefined {
    const document = this.#read();
    const helpers = this.#member(document, 'credHelpers');
    const key = Object.keys(helpers).find((each) => meansRegistry(each, registry));
    const chosen = (key === undefined ? undefined : helpers[key]) ?? document['credsStore'] ?? '';
    if (chosen === '') return undefined;
    // It becomes part of the name of a program.
    if (typeof chosen === 'string' && /^[\w.-]+$/.test(chosen)) return chosen;
    throw settingsInvalid(`${this.path}: ${JSON.stringify(chosen)} is not the name of a credential helper`);
  }

  credentials(registry: string): Credentials | undefined {
    const auths = this.#member(this.#read(), 'auths');
    const key = this.#keyOf(auths, registry);
    return key === undefined ? undefined : this.#entry(key, auths[key]);
  }

  store(registry: string, credentials: Credentials): void {
    this.#change(registry, (auths) => ({ ...auths, [serverName(registry)]: written(credentials) }));
  }

  /** true when there was something. */
  erase(registry: string): boolean {
    if (this.#keyOf(this.#member(this.#read(), 'auths'), registry) === undefined) return false;
    this.#change(registry, (auths) => auths);
    return true;
  }

  #change(registry: string, change: (others: JsonObject) => JsonObject): void {
    const document = this.#read();
    const auths = Object.entries(this.#member(document, 'auths'));
    const others = auths.filter(([key]) => !meansRegistry(key, registry));
    this.#write({ ...document, auths: change(Object.fromEntries(others)) });
  }

  #read(): JsonObject {
    let text: Buffer;
    try {
      text = readFileSync(this.path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return {};
      throw settingsInvalid(`Cannot read ${this.path}: ${code}`);
    }
    try {
      return parseObject(text, this.path);
    } catch {
      // The parser's own message quotes the text, which holds passwords.
      throw settingsInvalid(`${this.path} is not a JSON object`, 'Mend it, or move it away and log in again.');
    }
  }

  /** Kept by a user whose home it is, even when root logs in for him; a link to elsewhere stays one. */
  #write(document: JsonObject): void {
    const directory = dirname(this.path);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const before = statSync(this.path, { throwIfNoEntry: false });
      const path = before === undefined ? this.path : realpathSync(this.path);
      const { uid, gid } = before ?? statSync(directory);
      writeAtomically(path, `${JSON.stringify(document, null, '\t')}\n`);
      if (process.getuid?.() === 0) chownSync(path, uid, gid);
    } catch (error) {
      throw settingsInvalid(`Cannot write ${this.path}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  #member(document: JsonObject, name: string): JsonObject {
    try {
      return asObject(document[name] ?? {}, name);
    } catch {
      throw settingsInvalid(`${this.path}: ${name} is not an object`);
    }
  }

  #keyOf(auths: JsonObject, registry: string): string | undefined {
    const names = serverNames(registry);
    const keys = Object.keys(auths);
    return keys.find((key) => names.includes(key)) ?? keys.find((key) => meansRegistry(key, registry));
  }

  #entry(key: string, value: unknown): Credentials | undefined {
    const invalid = () =>
      settingsInvalid(`${this.path}: the entry for ${JSON.stringify(key)} is damaged`, 'Log in again.');
    if (value === null || typeof value !== 'object') throw invalid();
    const { auth, username, password, identitytoken, registrytoken } = value as JsonObject;
    if (isText(identitytoken)) return { type: 'identity', token: identitytoken };
    if (isText(registrytoken)) return { type: 'bearer', token: registrytoken };
    if (isText(username) && isText(password)) return { type: 'password', username, password };
    // A helper has the rest.
    if (!isText(auth)) return undefined;
    const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon < 1) throw invalid();
    return { type: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
}

/** The key under which Docker keeps a registry's credentials. */
export function serverName(registry: string): string {
  return registry === DEFAULT.name ? DEFAULT.credentials : registry;
}

function serverNames(registry: string): readonly string[] {
  return registry === DEFAULT.name ? [DEFAULT.credentials, DEFAULT.name, DEFAULT.host] : [registry];
}

/** Old files have addresses for keys: `https://HOST/v1/`. */
function meansRegistry(key: string, registry: string): boolean {
  const host = (text: string) => text.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return serverNames(registry).some((server) => host(server) === host(key));
}

function written(credentials: Credentials): JsonObject {
  switch (credentials.type) {
    case 'password':
      return { auth: Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64') };
    case 'identity':
      return { auth: Buffer.from('<token>:').toString('base64'), identitytoken: credentials.token };
    case 'bearer':
      return { registrytoken: credentials.token };
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
