import type { MachineContext } from '../executor/context.ts';
import { cgroupName } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { emitFor } from './record-end.ts';
import type { Watched } from './watched.ts';

/** A process that is being killed for lack of memory is gone by then, and its container with it where it was pid 1. */
const DYING_MS = 1000;

/**
 * Tells that a process of a running container was killed for lack of memory. Only what the container has survived for a
 * while: a count that rises with the end of pid 1 is the reason of that end, and is left for it.
 */
export function watchOom(context: MachineContext, watched: Watched, record: ContainerRecord): void {
  const kills = context.cgroups.oomKills(cgroupName(record.key));
  const atMs = context.now();
  if (watched.oom?.kills !== kills) watched.oom = { kills, atMs };
  if (kills <= record.oomKillsBefore || atMs - watched.oom.atMs < DYING_MS) return;
  context.records.updateContainer(record.key, { oomKillsBefore: kills });
  emitFor(context, record, { event: 'oom', detail: 'a process was killed for lack of memory, the container runs on' });
}
