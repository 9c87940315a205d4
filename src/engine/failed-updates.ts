import { execute } from '../executor/execute.ts';
import type { FailedUpdate } from '../executor/rolling-updates.ts';
import { imageKey } from '../image/image.ts';
import { reportError, TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Plan, RollingUpdate } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { observe } from '../observe/observe.ts';
import { planRollback } from '../planner/rollback.ts';
import type { Engine } from './engine.ts';

interface Reporting {
  readonly signal: AbortSignal;
  readonly progress: (event: ProgressEvent) => void;
}

/** The plan that was carried out, and what it was made for. */
interface Carried {
  readonly stack: Stack;
  readonly plan: Plan;
  readonly failed: readonly FailedUpdate[];
}

/** Does what the failure action of each failed rolling update is, and throws `update-failed` with what became of it. */
export async function endFailedUpdates(engine: Engine, carried: Carried, reporting: Reporting): Promise<void> {
  const { failed } = carried;
  if (failed.length === 0) return;
  const back = failed.filter(({ update }) => update.policy.failureAction === 'rollback');
  const stuck = back.length === 0 ? [] : await rollBack(engine, { ...carried, failed: back }, reporting);
  const lines = failed.map((each) => describe(each, stuck));
  throw new TsstackError('update-failed', lines.join('\n'), {
    hint: 'Correct the stack file and run "tsstack up" again: it goes on with the replicas that are not as the file says',
  });
}

/** Gives the services whose rollback failed as well. */
async function rollBack(
  engine: Engine,
  { stack, plan, failed }: Carried,
  reporting: Reporting,
): Promise<readonly string[]> {
  const updates: readonly RollingUpdate[] = failed.map(({ update }) => update);
  const observed = await observe(engine.observer, stack.name, stack);
  const back = planRollback(stack, observed, { updates, imageKey });
  reporting.progress({ type: 'plan', plan: back });
  if (back.conflicts.length > 0) return updates.map(({ service }) => service);
  // What the replaced containers held is only here.
  const contents = engine.contents.get(plan);
  if (contents !== undefined) engine.contents.set(back, contents);
  const options = { ...reporting, concurrency: engine.concurrency, onFailure: 'stop' } as const;
  const stuck = await execute(back, engine.executorOf(back), options);
  return stuck.map(({ update }) => update.service);
}

function describe({ update, failures }: FailedUpdate, stuck: readonly string[]): string {
  const { service, policy, batches } = update;
  const causes = failures.map(({ address, error }) => `${address}: ${reportError(error).message}`);
  const outcome = {
    pause: 'the replicas after it stay as they were',
    continue: 'the others were replaced all the same',
    rollback: stuck.includes(service)
      ? 'the rollback failed, too'
      : 'those that had been replaced are as they were before',
  }[policy.failureAction];
  const count = `${failures.length} of ${batches.flat().length}`;
  return `The update of service "${service}" failed (${count} replicas), and ${outcome}: ${causes.join('; ')}`;
}
