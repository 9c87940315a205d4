import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../host/host.ts';
import { parseProcessStat } from '../../host/process.ts';
import { countConnections } from '../../network/connections.ts';
import { containerPaths } from '../../store/paths.ts';
import type { Handler } from '../handler.ts';

const POLL_MS = 25;
/** A connection that was on its way at the moment of the switch has arrived by then. */
const QUIET_MS = 100;

/** Connections are where the container's own kernel tables show them, so no tool and no connection tracking is asked. */
export const drainContainerHandler: Handler<'drain-container'> = {
  async before({ spec, ports, timeoutMs }, { host, paths }, run) {
    const local = new Set(ports.map(({ containerPort }) => containerPort));
    const deadline = performance.now() + timeoutMs;
    let quietSince = performance.now();
    while (performance.now() < deadline && performance.now() - quietSince < QUIET_MS) {
      const connections = connectionsOf(host, containerPaths(paths, spec.key).init, local);
      if (connections === undefined) return;
      if (connections > 0) {
        run.waiting(`${connections} connection${connections === 1 ? '' : 's'} to the old container to end`);
        quietSince = performance.now();
      }
      await sleep(POLL_MS, undefined, { signal: run.signal });
    }
  },
  operations: () => [],
};

/** undefined: its pid 1 is gone. */
function connectionsOf(host: Host, initFile: string, ports: ReadonlySet<number>): number | undefined {
  const written = parseProcessStat(host.readText(initFile) ?? '');
  if (written === undefined) return undefined;
  const now = parseProcessStat(host.readText(`/proc/${written.pid}/stat`) ?? '');
  if (now?.startTime !== written.startTime) return undefined;
  const tables = ['tcp', 'tcp6'].map((name) => host.readText(`/proc/${written.pid}/net/${name}`) ?? '');
  return tables.reduce((sum, table) => sum + countConnections(table, ports), 0);
}
