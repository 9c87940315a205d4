import type { ImageConfig } from '../model/image.ts';
import type { Service } from '../model/stack.ts';

/**
 * Entrypoint and command as Docker puts them together: an entrypoint of the service also drops the image's command; an
 * empty list is explicitly none. Empty: there is nothing to run.
 */
export function argvOf(service: Pick<Service, 'command' | 'entrypoint'>, image: ImageConfig): readonly string[] {
  const command = service.command ?? (service.entrypoint == null ? image.command : []);
  return [...(service.entrypoint ?? image.entrypoint), ...command];
}
