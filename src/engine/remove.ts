import { execute } from '../executor/execute.ts';
import { observe } from '../observe/observe.ts';
import { planRemove } from '../planner/plan.ts';
import type { Engine } from './engine.ts';
import { requireServices } from './lifecycle.ts';
import type { Reporting } from './reporting.ts';

export interface RemoveOptions {
  /** Empty: all. */
  readonly services: readonly string[];
  /** Stop those that run, and remove them too. */
  readonly stop: boolean;
  /** Anonymous volumes go with their container. */
  readonly removeVolumes: boolean;
}

/** Removes containers that do not run; networks, named volumes and the others stay. The next `up` makes them again. */
export function remove(engine: Engine, stack: string, options: RemoveOptions, reporting: Reporting): Promise<void> {
  return engine.stacks.run(stack, async () => {
    requireServices(engine, stack, options.services);
    const plan = planRemove(stack, await observe(engine.observer, stack), options);
    reporting.progress({ type: 'plan', plan });
    if (reporting.dryRun === true) return;
    await execute(plan, engine.executor, { ...reporting, concurrency: engine.concurrency, onFailure: 'continue' });
  });
}
