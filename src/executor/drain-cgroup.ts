import { setTimeout as sleep } from 'node:timers/promises';
import { parseProcessStat } from '../host/process.ts';
import { TsstackError } from '../model/error.ts';
import type { MachineContext } from './context.ts';
import { thaw } from './thaw.ts';

const DEADLINE_MS = 5000;
const POLL_MS = 2;

/**
 * Waits until no process is in a cgroup, killing what is: rmdir(2) of one with processes fails, and a process that was
 * entered from outside (exec, a health check) ends a moment after pid 1.
 */
export async function drainCgroup(context: Pick<MachineContext, 'cgroups' | 'host'>, name: string): Promise<void> {
  const { cgroups, host } = context;
  await thaw(context, name);
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const processes = cgroups.processes(name);
    if (processes.length === 0) return;
    if (performance.now() > deadline) {
      throw new TsstackError(
        'timeout',
        `Processes ${processes.join(', ')} in cgroup ${name} do not end, even when killed`,
      );
    }
    for (const pid of processes) {
      const stat = parseProcessStat(host.readText(`/proc/${pid}/stat`) ?? '');
      if (stat !== undefined) await host.perform([{ op: 'kill', pid, startTime: stat.startTime, signal: 9 }]);
    }
    await sleep(POLL_MS);
  }
}
