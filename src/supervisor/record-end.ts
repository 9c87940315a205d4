import type { MachineContext } from '../executor/context.ts';
import { endingSignal } from '../lib/signal-name.ts';
import { containerAddress } from '../model/address.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { Liveness } from '../observe/liveness.ts';
import { cgroupName } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { isGoodRun } from './backoff.ts';

const STATUS_KILLED = 137;

/** Keeps how a container ended, and tells it. Gives the record as it is then; undefined: it was removed meanwhile. */
export function recordEnd(
  context: MachineContext,
  record: ContainerRecord,
  life: Extract<Liveness, { state: 'ended' }>,
): ContainerRecord | undefined {
  const { records, cgroups, now } = context;
  const { key } = record;
  const { exitCode } = life;
  const finishedAtMs = life.finishedAtMs ?? now();
  const starved = cgroups.oomKills(cgroupName(key)) > record.oomKillsBefore;
  records.updateContainer(key, {
    finishedAtMs,
    exitCode,
    oomKilled: starved && exitCode === STATUS_KILLED,
    ...countRun(record, finishedAtMs - (record.startedAtMs ?? finishedAtMs)),
  });
  // It is not found by its names any more; nobody waits for that.
  void context.serving?.update();
  if (starved) emitFor(context, record, { event: 'oom' });
  const signal = endingSignal(exitCode);
  emitFor(context, record, {
    event: 'exit',
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
  });
  return records.container(key);
}

/** What a run that lasted so long means for the restarts to come. */
function countRun(record: ContainerRecord, ranMs: number): Partial<ContainerRecord> {
  const { windowMs } = record.spec.restart;
  const failed = windowMs !== undefined && record.restarts > 0 && ranMs < windowMs;
  return {
    ...((record.ending?.goodRun ?? isGoodRun(ranMs)) && { attempts: 0 }),
    ...(failed && { failedAttempts: (record.failedAttempts ?? 0) + 1 }),
  };
}

export function emitFor(
  context: Pick<MachineContext, 'emit'>,
  { key }: Pick<ContainerRecord, 'key'>,
  event: Omit<ContainerEvent, 'timeMs' | 'stack' | 'address'>,
): void {
  context.emit({ stack: key.stack, address: containerAddress(key.service, key.index), ...event });
}
