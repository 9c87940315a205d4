import type { MachineContext } from '../executor/context.ts';
import { HealthMonitor } from './health.ts';
import { probeContainer } from './probe-container.ts';
import { emitFor } from './record-end.ts';
import { stopProbing, type Watched } from './watched.ts';

/** Begins to ask a container how it is, where it has a check; `changed` is called when its health does. */
export function startProbing(context: MachineContext, watched: Watched, changed: () => void): void {
  stopProbing(watched);
  const check = context.records.container(watched.key)?.spec.healthcheck;
  if (check === undefined || check.test.length === 0) return;
  watched.health = new HealthMonitor(
    check,
    (signal) => probeContainer(context, watched.key, check, signal),
    (health) => {
      emitFor(context, watched, { event: 'health', health });
      changed();
    },
  );
}
