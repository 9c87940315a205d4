import { execute } from '../executor/execute.ts';
import { observeRecorded } from '../observe/observe.ts';
import { planDown } from '../planner/plan.ts';
import type { Engine } from './engine.ts';
import { refuseConflicts } from './plan.ts';
import type { Reporting } from './reporting.ts';
import { sweep } from './sweep.ts';
import { unmountUnused } from './volumes.ts';

export interface DownOptions {
  readonly removeVolumes: boolean;
  readonly timeoutMs?: number;
  /** Only these services and those that depend on them; empty or absent: all. */
  readonly services?: readonly string[];
}

/** Takes a stack down: needs its name only. Everything that can be removed is, whatever fails on the way. */
export async function down(engine: Engine, name: string, options: DownOptions, reporting: Reporting): Promise<void> {
  await engine.stacks.run(name, async () => {
    const observed = observeRecorded(engine.observer, name);
    const plan = planDown(name, observed, options);
    reporting.progress({ type: 'plan', plan });
    refuseConflicts(plan);
    if (reporting.dryRun === true) return;
    for (const message of plan.warnings) reporting.progress({ type: 'warning', message });
    await execute(plan, engine.executor, { ...reporting, concurrency: engine.concurrency, onFailure: 'continue' });
    await sweep(engine.executor, name);
    await unmountUnused(engine);
    const { records } = engine.machine;
    if (records.containersOf(name).length === 0) records.stacks.delete(name);
  });
}
