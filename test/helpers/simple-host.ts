import type { Host } from '../../src/host/host.ts';
import { RealHost } from '../../src/host/real-host.ts';

/** The machine itself, without flushing: no test cuts the power, and a flush waits for everybody who writes to the disk. */
export function simpleHost(): Host {
  const host = new RealHost();
  const perform = host.perform.bind(host);
  host.perform = (ops, signal) =>
    perform(
      ops.filter((op) => op.op !== 'run' || op.argv[0] !== 'sync'),
      signal,
    );
  return host;
}
