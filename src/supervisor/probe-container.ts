import type { MachineContext } from '../executor/context.ts';
import { prepareExec } from '../executor/exec.ts';
import type { ProbeResult } from '../host/host.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Healthcheck } from '../model/stack.ts';
import { liveness } from '../observe/liveness.ts';
import { cgroupName } from '../store/paths.ts';
import type { ReadyProbe } from './ready-probe.ts';

const OUTPUT_BYTES = 4096;

export interface Question {
  readonly check: Healthcheck;
  /** Asks when it is `check.ready` that is to be found out. */
  readonly ready: ReadyProbe;
}

/**
 * Runs a container's health check once, inside it, with its own identity, limits and namespaces. undefined: it is
 * paused, so a check would only hang.
 */
export async function probeContainer(
  context: MachineContext,
  key: ContainerKey,
  { check, ready }: Question,
  signal: AbortSignal,
): Promise<ProbeResult | undefined> {
  const { host, paths, records, bootId, cgroups } = context;
  const paused = (): boolean => cgroups.frozen(cgroupName(key));
  if (paused()) return undefined;
  const record = records.container(key);
  const life = record === undefined ? undefined : liveness(host, paths, record, bootId);
  if (record === undefined || life?.state !== 'running' || life.process === undefined) {
    return { exitCode: 1, output: 'the container does not run' };
  }
  const { pid } = life.process;
  if (check.ready !== undefined) return ready.ask({ record, pid, check, signal });
  const exec = await prepareExec(context, record, pid, { argv: check.test, keepsOrphans: true });
  const options = { timeoutMs: check.timeoutMs, outputLimitBytes: OUTPUT_BYTES, signal };
  const result = await host.probe(exec.argv, exec.launcher, options);
  // One that was frozen on its way was not answered in time for no fault of the container.
  return paused() ? undefined : result;
}
