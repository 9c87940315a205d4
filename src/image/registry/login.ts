import { RegistryClient } from './client.ts';
import { type CredentialsRequest, eraseCredentials, storeCredentials } from './credentials.ts';
import type { Credentials } from './docker-config.ts';
import { DEFAULT } from './registries.ts';
import { withConnections } from './transfer.ts';

/** `registry`: as in references; empty: the one that short names mean. */
type Login = Pick<CredentialsRequest, 'registry' | 'env' | 'signal'>;

/**
 * Tries credentials with a registry and keeps them; the place in words. Throws what `RegistryClient` throws, and what
 * `storeCredentials` throws: then nothing is kept.
 */
export async function logIn({ registry, ...rest }: Login, credentials: Credentials): Promise<string> {
  const name = registry === '' ? DEFAULT.name : registry;
  await withConnections(name, rest, (connections) =>
    new RegistryClient({
      connections,
      endpoint: connections.registries.endpoint(name),
      repository: '',
      credentials: () => Promise.resolve(credentials),
      signal: rest.signal,
    }).ping(),
  );
  return storeCredentials({ registry: name, ...rest }, credentials);
}

/** Forgets credentials. false: there were none. */
export function logOut({ registry, ...rest }: Login): Promise<boolean> {
  return eraseCredentials({ registry: registry === '' ? DEFAULT.name : registry, ...rest });
}
