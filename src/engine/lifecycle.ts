import { type ExecuteOptions, execute } from '../executor/execute.ts';
import { nearest } from '../lib/nearest.ts';
import { TsstackError } from '../model/error.ts';
import type { Plan } from '../model/plan.ts';
import { observe, observeRecorded } from '../observe/observe.ts';
import { planRestart, planStart, planStop } from '../planner/plan.ts';
import type { Engine } from './engine.ts';
import { refuseConflicts } from './plan.ts';
import type { Reporting } from './reporting.ts';
import { waitRunning } from './wait-running.ts';

export interface LifecycleOptions {
  /** Empty: all. */
  readonly services: readonly string[];
  /** Absent: each service's own grace period. */
  readonly timeoutMs?: number;
  /** `restart`: not the services that ask to be restarted with what they depend on. */
  readonly noDeps?: boolean;
  /** `start`: until everything runs and is healthy. */
  readonly wait?: boolean;
  readonly waitTimeoutMs?: number;
}

/** Stops containers, dependents first. They are kept, and stay stopped until a user starts them. */
export function stop(engine: Engine, name: string, options: LifecycleOptions, reporting: Reporting): Promise<void> {
  return engine.stacks.run(name, () => runStop(engine, name, options, reporting));
}

/** Starts stopped containers as they were made, dependencies first. */
export function start(engine: Engine, name: string, options: LifecycleOptions, reporting: Reporting): Promise<void> {
  return engine.stacks.run(name, async () => {
    await runStart(engine, name, options, reporting);
    if (options.wait === true && reporting.dryRun !== true) await waitRunning(engine, name, options, reporting.signal);
  });
}

export function restart(engine: Engine, name: string, options: LifecycleOptions, reporting: Reporting): Promise<void> {
  return engine.stacks.run(name, async () => {
    requireServices(engine, name, options.services);
    const observed = observeRecorded(engine.observer, name);
    const plan = planRestart(name, observed, options.services, options);
    // Undoing would stop what has been started again; what can't be started is an error.
    await run(engine, plan, reporting, 'stop');
  });
}

async function runStop(engine: Engine, name: string, options: LifecycleOptions, reporting: Reporting): Promise<void> {
  requireServices(engine, name, options.services);
  const observed = observeRecorded(engine.observer, name);
  await run(engine, planStop(name, observed, options.services, options.timeoutMs), reporting, 'continue');
}

async function runStart(engine: Engine, name: string, options: LifecycleOptions, reporting: Reporting): Promise<void> {
  requireServices(engine, name, options.services);
  const observed = await observe(engine.observer, name);
  await run(engine, planStart(name, observed, options.services), reporting, 'undo');
}

async function run(
  engine: Engine,
  plan: Plan,
  reporting: Reporting,
  onFailure: ExecuteOptions['onFailure'],
): Promise<void> {
  reporting.progress({ type: 'plan', plan });
  refuseConflicts(plan);
  if (reporting.dryRun === true) return;
  await execute(plan, engine.executor, { ...reporting, concurrency: engine.concurrency, onFailure });
}

/** Throws `not-found` for a service that has no container in the stack. */
export function requireServices(engine: Engine, stack: string, services: readonly string[]): void {
  const known = new Set(
    engine.machine.records
      .containersOf(stack)
      .flatMap(({ key, spec }) => [
        key.service,
        ...(spec.oneOff === undefined ? [] : [spec.name, spec.oneOff.service]),
      ]),
  );
  for (const service of services) {
    if (known.has(service)) continue;
    const near = nearest(service, [...known]);
    throw new TsstackError('not-found', `Stack "${stack}" has no container of a service "${service}"`, {
      hint: near === undefined ? 'Run "tsstack up" first' : `Did you mean "${near}"?`,
    });
  }
}
