import { execute } from '../executor/execute.ts';
import { observeRecorded } from '../observe/observe.ts';
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
  /** Once none of them runs nor will be started again, however long that takes; the signal ends only this wait. */
  readonly whenEnded?: boolean;
}

/** Removes containers that do not run; networks, named volumes and the others stay. The next `up` makes them again. */
export async function remove(
  engine: Engine,
  stack: string,
  options: RemoveOptions,
  { signal, ...reporting }: Reporting,
): Promise<void> {
  if (options.whenEnded === true) await untilEnded(engine, stack, options.services, signal);
  // What has been waited for is not left half done when the daemon ends.
  const lasting = options.whenEnded === true ? new AbortController().signal : signal;
  return engine.stacks.run(stack, async () => {
    requireServices(engine, stack, options.services);
    const plan = planRemove(stack, observeRecorded(engine.observer, stack), options);
    reporting.progress({ type: 'plan', plan });
    if (reporting.dryRun === true) return;
    await execute(plan, engine.executor, {
      ...reporting,
      signal: lasting,
      concurrency: engine.concurrency,
      onFailure: 'continue',
    });
  });
}

async function untilEnded(
  { machine, supervisor }: Engine,
  stack: string,
  services: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const goesOn = (): boolean =>
    machine.records
      .containersOf(stack)
      .filter(({ key }) => services.length === 0 || services.includes(key.service))
      .some(({ key }) => supervisor.runs(key) || supervisor.state(key).restarting);
  while (goesOn()) await supervisor.changes.next(signal);
}
