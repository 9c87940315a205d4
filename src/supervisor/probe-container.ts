import type { MachineContext } from '../executor/context.ts';
import { prepareExec } from '../executor/exec.ts';
import type { ProbeResult } from '../host/host.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Healthcheck } from '../model/stack.ts';
import { liveness } from '../observe/liveness.ts';

const OUTPUT_BYTES = 4096;

/** Runs a container's health check once, inside it, with its own identity, limits and namespaces. */
export async function probeContainer(
  context: MachineContext,
  key: ContainerKey,
  check: Healthcheck,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { host, paths, records, bootId } = context;
  const record = records.container(key);
  const life = record === undefined ? undefined : liveness(host, paths, record, bootId);
  if (record === undefined || life?.state !== 'running' || life.process === undefined) {
    return { exitCode: 1, output: 'the container does not run' };
  }
  const exec = await prepareExec(context, record, life.process.pid, { argv: check.test });
  return host.probe(exec.argv, exec.launcher, { timeoutMs: check.timeoutMs, outputLimitBytes: OUTPUT_BYTES, signal });
}
