import type { MachineContext } from '../executor/context.ts';
import { containerAddress } from '../model/address.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { Liveness } from '../observe/liveness.ts';
import { cgroupName } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';

/** Keeps how a container ended, and tells it. Gives the record as it is then; undefined: it was removed meanwhile. */
export function recordEnd(
  context: MachineContext,
  record: ContainerRecord,
  life: Extract<Liveness, { state: 'ended' }>,
): ContainerRecord | undefined {
  const { records, cgroups, now } = context;
  const { key } = record;
  const kills = cgroups.usage(cgroupName(key))?.oomKills ?? 0;
  const oomKilled = life.exitCode === 137 && kills > record.oomKillsBefore;
  records.updateContainer(key, { finishedAtMs: life.finishedAtMs ?? now(), exitCode: life.exitCode, oomKilled });
  if (oomKilled) emitFor(context, record, { event: 'oom' });
  emitFor(context, record, { event: 'exit', ...(life.exitCode !== undefined && { exitCode: life.exitCode }) });
  return records.container(key);
}

export function emitFor(
  context: Pick<MachineContext, 'emit'>,
  { key }: Pick<ContainerRecord, 'key'>,
  event: Omit<ContainerEvent, 'timeMs' | 'stack' | 'address'>,
): void {
  context.emit({ stack: key.stack, address: containerAddress(key.service, key.index), ...event });
}
