import type { Service } from '../../model/stack.ts';
import { DEFAULT_DRIVER, logLimit } from '../log-options.ts';
import type { Dict } from '../node.ts';
import { dictAt, stringsAt, textAt } from './read.ts';

/** What is kept of a service's output. */
export function logging(service: Dict): Pick<Service, 'logDriver' | 'logLimitBytes'> {
  const written = dictAt(service, 'logging');
  if (written === undefined) return {};
  const driver = textAt(written, 'driver') ?? DEFAULT_DRIVER;
  const { bytes } = logLimit(driver, stringsAt(written, 'options'));
  return {
    ...(driver === 'none' && { logDriver: 'none' }),
    ...(bytes !== undefined && { logLimitBytes: bytes }),
  };
}
