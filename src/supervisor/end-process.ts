import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineContext } from '../executor/context.ts';
import { thaw } from '../executor/thaw.ts';
import type { ProcessStat } from '../host/process.ts';
import { cgroupName } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Changes } from './changes.ts';
import { reachesInit, signalNumber } from './stop-signal.ts';

/** Longest time in which a killed process may take to end. */
const KILL_DEADLINE_MS = 10_000;
const CHAIN_DEADLINE_MS = 2000;
const CHAIN_POLL_MS = 2;

export interface Ending {
  readonly timeoutMs: number;
  readonly changes: Changes;
  /** Has its end been dealt with? */
  readonly ended: () => boolean;
}

/** Asks pid 1 of a container to end, where it would hear that, and kills it after `timeoutMs`. */
export async function endProcess(
  context: MachineContext,
  { key, spec }: ContainerRecord,
  { pid, startTime }: ProcessStat,
  { timeoutMs, changes, ended }: Ending,
): Promise<void> {
  const { host } = context;
  await thaw(context, cgroupName(key));
  const signal = signalNumber(spec.stopSignal);
  // In a pid namespace that it shares it is not the first process, and the default action is done.
  const isFirst = spec.namespaces.pid === 'private';
  if (timeoutMs > 0 && (!isFirst || (await reachesInit(host, pid, signal)))) {
    await host.perform([{ op: 'kill', pid, startTime, signal }]);
    await changes.until(ended, timeoutMs);
  }
  await host.perform([{ op: 'kill', pid, startTime, signal: 9 }]);
  await changes.until(ended, KILL_DEADLINE_MS);
}

/** The launch chain writes the exit file a moment after pid 1 has ended: that must not come after its removal. */
export async function chainEnd(runs: () => boolean): Promise<void> {
  const deadline = performance.now() + CHAIN_DEADLINE_MS;
  while (runs() && performance.now() < deadline) await sleep(CHAIN_POLL_MS);
}
