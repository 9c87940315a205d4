import type { Host } from '../../src/host/host.ts';
import { RealHost } from '../../src/host/real-host.ts';

/** The machine itself. */
export function readOnlyHost(): Host {
  return new RealHost();
}
