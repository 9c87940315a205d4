import type { MachineContext } from '../executor/context.ts';
import { cgroupName } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { emitFor } from './record-end.ts';
import type { Watched } from './watched.ts';

/**
 * Tells that a process of a running container was killed for lack of memory. Only what the container has survived from
 * one look to the next: a count that rises with the end of pid 1 is the reason of that end, and is left for it.
 */
export function watchOom(context: MachineContext, watched: Watched, record: ContainerRecord): void {
  const kills = context.cgroups.oomKills(cgroupName(record.key));
  const survived = watched.oomKills === kills && kills > record.oomKillsBefore;
  watched.oomKills = kills;
  if (!survived) return;
  context.records.updateContainer(record.key, { oomKillsBefore: kills });
  emitFor(context, record, { event: 'oom', detail: 'a process was killed for lack of memory, the container runs on' });
}
