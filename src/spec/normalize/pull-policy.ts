import type { PullPolicy } from '../../model/stack.ts';
import { durationMs } from '../duration.ts';

const DAY_MS = 86_400_000;

/** `pull_policy`, with `pull_refresh_after` for `refresh`; the schema has checked both. */
export function pullPolicy(policy: string | undefined, refreshAfter: string | undefined): PullPolicy | undefined {
  switch (policy) {
    case 'always':
    case 'never':
    case 'build':
    case 'missing':
      return policy;
    case 'if_not_present':
      return 'missing';
    case 'daily':
      return { refreshAfterMs: DAY_MS };
    case 'weekly':
      return { refreshAfterMs: 7 * DAY_MS };
    case 'refresh':
      return { refreshAfterMs: refreshAfter === undefined ? DAY_MS : durationMs(refreshAfter) };
    default:
      return policy?.startsWith('every_') === true
        ? { refreshAfterMs: durationMs(policy.slice('every_'.length)) }
        : undefined;
  }
}
