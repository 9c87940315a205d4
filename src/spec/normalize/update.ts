import type { UpdatePolicy } from '../../model/update.ts';
import { durationMs } from '../duration.ts';
import type { Dict } from '../node.ts';
import { dictAt, numberAt, textAt } from './read.ts';

/** `deploy.update_config`, and `deploy.rollback_config` beside it; nothing without the first. */
export function updatePolicies(deploy: Dict | undefined): { update?: UpdatePolicy; rollback?: UpdatePolicy } {
  const update = dictAt(deploy, 'update_config');
  if (update === undefined) return {};
  const rollback = policy(dictAt(deploy, 'rollback_config') ?? {});
  const back = rollback.failureAction === 'rollback' ? 'pause' : rollback.failureAction;
  return { update: policy(update), rollback: { ...rollback, failureAction: back } };
}

/** Defaults: one at a time, without delay, stop-first, pause, no monitoring, no failure (Compose specification, `deploy`). */
function policy(written: Dict): UpdatePolicy {
  const ms = (key: string): number => durationMs(textAt(written, key) ?? '0s');
  const action = textAt(written, 'failure_action');
  return {
    parallelism: numberAt(written, 'parallelism') ?? 1,
    delayMs: ms('delay'),
    order: textAt(written, 'order') === 'start-first' ? 'start-first' : 'stop-first',
    failureAction: action === 'continue' || action === 'rollback' ? action : 'pause',
    monitorMs: ms('monitor'),
    maxFailureRatio: numberAt(written, 'max_failure_ratio') ?? 0,
  };
}
