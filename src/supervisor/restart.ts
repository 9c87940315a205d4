import type { RestartPolicy } from '../model/stack.ts';
import type { ContainerRecord } from '../store/records.ts';

/** Should a container that has ended be started again? */
export function shouldRestart(policy: RestartPolicy, record: ContainerRecord, exitCode: number | undefined): boolean {
  if (record.stoppedByUser) return false;
  switch (policy.condition) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return exitCode !== 0 && (policy.maxAttempts === undefined || record.restarts < policy.maxAttempts);
  }
}
