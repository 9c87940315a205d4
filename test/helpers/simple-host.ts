import type { Host } from '../../src/host/host.ts';
import { RealHost } from '../../src/host/real-host.ts';

/** The machine itself. */
export function simpleHost(): Host {
  return new RealHost();
}
