import { parseObject } from '../json.ts';
import { askHelper } from './credential-helper.ts';
import { type Credentials, DockerConfig, serverName } from './docker-config.ts';
import { settingsInvalid } from './settings-file.ts';

export type { Credentials } from './docker-config.ts';

export interface CredentialsRequest {
  /** `HOST[:PORT]` as in references. */
  readonly registry: string;
  /** Of whoever asks: DOCKER_CONFIG or HOME, and PATH for helpers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** For a helper; 30,000 unless given. */
  readonly timeoutMs?: number;
}

/** The user name by which helpers mean that the secret is an identity token. */
const TOKEN_USER = '<token>';

/**
 * What Docker's configuration has for a registry; undefined: nothing, and so the registry is asked without. Throws
 * `registry-settings`, `missing-tool`, `command-timeout`, `cancelled`.
 */
export async function findCredentials(request: CredentialsRequest): Promise<Credentials | undefined> {
  const { env, registry, signal, timeoutMs } = request;
  if (!env['DOCKER_CONFIG'] && !env['HOME']) return undefined;
  const config = new DockerConfig(env);
  const helper = config.helper(registry);
  if (helper === undefined) return config.credentials(registry);
  const stdin = serverName(registry);
  const answer = await askHelper({
    helper,
    action: 'get',
    stdin,
    env,
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  return answer === undefined ? config.credentials(registry) : parseAnswer(answer, helper);
}

/**
 * Keeps credentials where Docker's configuration says: with a helper, or in the file itself, which only its owner may read
 * then. Gives the place in words. Throws as `findCredentials` does.
 */
export async function storeCredentials(request: CredentialsRequest, credentials: Credentials): Promise<string> {
  const { env, registry, signal, timeoutMs } = request;
  const config = new DockerConfig(env);
  const helper = config.helper(registry);
  if (helper === undefined || credentials.type === 'bearer') {
    config.store(registry, credentials);
    return config.path;
  }
  const secret = credentials.type === 'password' ? credentials.password : credentials.token;
  const username = credentials.type === 'password' ? credentials.username : TOKEN_USER;
  const stdin = JSON.stringify({ ServerURL: serverName(registry), Username: username, Secret: secret });
  const secrets = [secret];
  await askHelper({
    helper,
    action: 'store',
    stdin,
    env,
    signal,
    secrets,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  // An older password in the file would come back with the helper.
  config.erase(registry);
  return `docker-credential-${helper}`;
}

/** Forgets them, in the helper and in the file. false: there were none, as far as can be told. */
export async function eraseCredentials(request: CredentialsRequest): Promise<boolean> {
  const { env, registry, signal, timeoutMs } = request;
  const config = new DockerConfig(env);
  const helper = config.helper(registry);
  let there = false;
  if (helper !== undefined) {
    const options = { helper, stdin: serverName(registry), env, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
    there = (await askHelper({ ...options, action: 'get' })) !== undefined;
    if (there) await askHelper({ ...options, action: 'erase' });
  }
  return config.erase(registry) || there;
}

function parseAnswer(text: string, helper: string): Credentials | undefined {
  const { Username: username, Secret: secret } = helperObject(text, helper);
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw settingsInvalid(`docker-credential-${helper} printed no Username and Secret`);
  }
  if (secret === '') return undefined;
  return username === TOKEN_USER
    ? { type: 'identity', token: secret }
    : { type: 'password', username, password: secret };
}

function helperObject(text: string, helper: string): Readonly<Record<string, unknown>> {
  try {
    return parseObject(Buffer.from(text), 'its answer');
  } catch {
    throw settingsInvalid(`docker-credential-${helper} printed something that is not a JSON object`);
  }
}
