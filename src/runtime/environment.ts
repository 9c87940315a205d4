import type { ContainerSpec } from '../model/container.ts';
import { DEFAULT_PATH } from '../model/default-path.ts';
import type { Identity } from './user.ts';

/** The whole environment of a process in the container: `env` over what Docker always sets. */
export function containerEnvironment(
  env: Readonly<Record<string, string>>,
  spec: Pick<ContainerSpec, 'hostname'>,
  options: { readonly identity: Identity; readonly tty: boolean },
): Readonly<Record<string, string>> {
  return {
    PATH: DEFAULT_PATH,
    HOSTNAME: spec.hostname,
    ...(options.tty && { TERM: 'xterm' }),
    HOME: options.identity.home,
    ...env,
  };
}
