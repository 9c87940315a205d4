import type { RestartPolicy } from '../model/stack.ts';
import type { ContainerRecord } from '../store/records.ts';
import { backoffMs } from './backoff.ts';

/** Should a container that has ended be started again? */
export function shouldRestart(policy: RestartPolicy, record: ContainerRecord): boolean {
  if (record.stoppedByUser) return false;
  if (record.ending !== undefined) return mayRestart(policy, record);
  switch (policy.condition) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return mayRestart(policy, record);
    case 'on-failure':
      return record.exitCode !== 0 && mayRestart(policy, record);
  }
}

/**
 * Are there attempts left? Without a `window` every restart is one. With it only those that failed are (Compose
 * specification, deploy.md): whose run was over before the window was.
 */
export function mayRestart({ maxAttempts, windowMs }: RestartPolicy, record: ContainerRecord): boolean {
  const used = windowMs === undefined ? record.restarts : (record.failedAttempts ?? 0);
  return maxAttempts === undefined || used < maxAttempts;
}

/** Milliseconds from `nowMs` to the restart: the time before it counts from the end, whoever was there to see it. */
export function restartDelayMs(policy: RestartPolicy, record: ContainerRecord, nowMs: number): number {
  const delayMs = policy.delayMs ?? backoffMs(record.attempts ?? 0);
  return Math.min(delayMs, Math.max(0, (record.finishedAtMs ?? nowMs) + delayMs - nowMs));
}

/**
 * Is a container brought back when the machine was restarted? As Docker does: `always` whoever stopped it, `unless-stopped`
 * unless the user did; one that was never started is not.
 */
export function comesBack({ spec, stoppedByUser, run }: ContainerRecord): boolean {
  if (run === 0) return false;
  const { condition } = spec.restart;
  return condition === 'always' || (condition === 'unless-stopped' && !stoppedByUser);
}
