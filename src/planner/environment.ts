import type { ContainerSpec } from '../model/container.ts';
import { DEFAULT_PATH } from '../model/default-path.ts';
import type { ImageConfig } from '../model/image.ts';
import type { Service } from '../model/stack.ts';

type Wishes = Pick<Service, 'tty' | 'environment' | 'unsetEnvironment'>;

/** The service's over the image's over the defaults. A variable that the service unsets is in none of them. */
export function environmentOf(service: Wishes, image: ImageConfig, hostname: string): ContainerSpec['env'] {
  const given = {
    PATH: DEFAULT_PATH,
    HOSTNAME: hostname,
    ...(service.tty && { TERM: 'xterm' }),
    ...image.env,
    ...service.environment,
  };
  const unset = new Set(service.unsetEnvironment);
  return Object.fromEntries(Object.entries(given).filter(([name]) => !unset.has(name)));
}
