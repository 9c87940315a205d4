import type { MachineContext } from '../executor/context.ts';
import { stableJson } from '../lib/stable-json.ts';
import { machineName } from '../model/address.ts';
import type { HealthStatus } from '../model/health.ts';
import type { Healthcheck } from '../model/stack.ts';
import type { ContainerRecord } from '../store/records.ts';
import { HealthMonitor } from './health.ts';
import { probeContainer } from './probe-container.ts';
import { ReadyProbe } from './ready-probe.ts';
import { emitFor } from './record-end.ts';
import { stopProbing, type Watched } from './watched.ts';

/**
 * Begins to ask a container how it is, where it has a check, or goes on with what an earlier daemon knew of the same
 * run; `changed` is called when its health does.
 */
export function startProbing(context: MachineContext, watched: Watched, changed: (status: HealthStatus) => void): void {
  stopProbing(watched);
  const { records, now } = context;
  const record = records.container(watched.key);
  const check = record === undefined ? undefined : checkOf(record);
  if (record === undefined || check === undefined) return;
  const { key, run } = record;
  const known = records.health.get(machineName(key));
  watched.asked = stableJson(check);
  const resume = known?.run === run ? known : undefined;
  const ready = new ReadyProbe(context, resume?.status === 'healthy');
  watched.health = new HealthMonitor({
    check,
    probe: (signal) => probeContainer(context, key, { check, ready }, signal),
    changed: (health) => {
      emitFor(context, watched, { event: 'health', health });
      changed(health);
    },
    keep: (state) => records.health.put({ key, run, ...state }),
    resume,
    ranMs: Math.max(0, now() - (record.startedAtMs ?? now())),
    after: watched.probed,
  });
}

/** Begins anew where another question is asked than before: another answer to it is no news of the container. */
export function probeIfChanged(
  context: MachineContext,
  watched: Watched,
  changed: (status: HealthStatus) => void,
): void {
  const { records } = context;
  const record = records.container(watched.key);
  const check = record === undefined ? undefined : checkOf(record);
  if ((check === undefined ? undefined : stableJson(check)) === watched.asked) return;
  delete watched.asked;
  records.health.delete(machineName(watched.key));
  startProbing(context, watched, changed);
}

/** What is asked; undefined: nothing. */
export function checkOf({ spec }: ContainerRecord): Healthcheck | undefined {
  const check = spec.healthcheck;
  return check === undefined || (check.test.length === 0 && check.ready === undefined) ? undefined : check;
}
