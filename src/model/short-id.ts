import { hash } from 'node:crypto';
import { type ContainerKey, machineName } from './address.ts';

/** First 12 digits of a container's identity: its host name, and a name on its networks, as in Docker. */
export function shortId(key: ContainerKey): string {
  const { stack, service, index } = key;
  return hash('sha256', machineName({ stack, service, index })).slice(0, 12);
}
