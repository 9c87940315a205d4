import { setTimeout as sleep } from 'node:timers/promises';
import type { HookOptions, MachineContext } from '../executor/context.ts';
import { LONGEST_TIMER_MS } from '../lib/longest-timer.ts';
import type { ContainerKey } from '../model/address.ts';
import { liveness } from '../observe/liveness.ts';
import type { ContainerRecord } from '../store/records.ts';
import { isGoodRun } from './backoff.ts';
import type { Changes } from './changes.ts';
import { endProcess } from './end-process.ts';
import { runHooks } from './hooks.ts';
import { emitFor } from './record-end.ts';
import { mayRestart } from './restart.ts';
import type { Watched } from './watched.ts';

/**
 * Ends a container that is unhealthy and shall not be, in its grace period, its `preStop` hooks included, so that its end
 * is followed by a start. That is recorded before anything is done: the next daemon goes on with it, as it does when
 * `signal` comes while hooks run. Does nothing when there is nothing to do.
 */
export async function endIllHealth(
  context: MachineContext,
  watched: Watched,
  changes: Changes,
  signal: AbortSignal,
): Promise<void> {
  const { host, paths, records, bootId } = context;
  const { key } = watched;
  if (watched.phase !== 'runs' || watched.endingIll !== undefined || !shallEnd(context, key, watched)) return;
  const hooks = Promise.withResolvers<void>();
  watched.endingIll = hooks.promise;
  try {
    if (records.container(key)?.ending === undefined) {
      records.updateContainer(key, { ending: { goodRun: isGoodRun(watched.health?.healthyMs ?? 0) } });
    }
    const record = records.container(key);
    const life = record === undefined ? undefined : liveness(host, paths, record, bootId);
    if (record === undefined || life?.state !== 'running' || life.process === undefined) return;
    const deadlineMs = performance.now() + record.spec.stopGracePeriodMs;
    await runPreStop(context, record, deadlineMs, signal);
    hooks.resolve();
    if (signal.aborted) return;
    const timeoutMs = Math.max(0, Math.round(deadlineMs - performance.now()));
    await endProcess(context, record, life.process, { timeoutMs, changes, ended: () => watched.phase === 'ended' });
  } finally {
    hooks.resolve();
    delete watched.endingIll;
  }
}

/**
 * Resolves when the `preStop` hooks that a container's ill health runs or has run are over, or at the deadline;
 * undefined: it is not being ended for that, or other hooks are meant.
 */
export function hooksOfIll(watched: Watched | undefined, { kind, deadlineMs }: HookOptions): Promise<void> | undefined {
  const hooks = kind === 'preStop' ? watched?.endingIll : undefined;
  if (hooks === undefined || deadlineMs === undefined) return hooks;
  const timer = new AbortController();
  const over = sleep(Math.min(Math.max(0, deadlineMs - performance.now()), LONGEST_TIMER_MS), undefined, {
    signal: timer.signal,
  });
  return Promise.race([hooks, over.catch(() => undefined)]).finally(() => timer.abort());
}

/** A hook that fails is told, and no reason to let an unhealthy container run on. */
async function runPreStop(
  context: MachineContext,
  { key, spec }: ContainerRecord,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (spec.preStop === undefined || spec.stopGracePeriodMs === 0) return;
  try {
    await runHooks(context, key, { kind: 'preStop', deadlineMs, signal });
  } catch (error) {
    if (signal.aborted) return;
    emitFor(context, { key }, { event: 'hook', detail: error instanceof Error ? error.message : String(error) });
  }
}

function shallEnd({ records }: MachineContext, key: ContainerKey, { health }: Watched): boolean {
  const record = records.container(key);
  if (record === undefined || record.stoppedByUser) return false;
  if (record.ending !== undefined) return true;
  const asked = record.spec.restartUnhealthy === true && health?.status === 'unhealthy';
  return asked && mayRestart(record.spec.restart, record);
}
