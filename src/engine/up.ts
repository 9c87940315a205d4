import { execute } from '../executor/execute.ts';
import { TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Plan, WaitFor } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import type { Reservation } from '../observe/context.ts';
import type { LoadResult } from '../spec/load.ts';
import type { Engine } from './engine.ts';
import { endFailedUpdates } from './failed-updates.ts';
import { makeUpPlan, refuseConflicts, type UpPlanOptions } from './plan.ts';

export interface UpOptions extends UpPlanOptions {
  readonly wait: boolean;
  readonly waitTimeoutMs?: number;
}

export interface Reporting {
  readonly signal: AbortSignal;
  readonly progress: (event: ProgressEvent) => void;
}

/** Makes the machine match the file. Everything that stands in the way is said before anything is changed. */
export async function up(
  engine: Engine,
  { stack, diagnostics }: Pick<LoadResult, 'stack' | 'diagnostics'>,
  options: UpOptions,
  reporting: Reporting,
): Promise<{ stack: string; services: string[] }> {
  const { name } = stack;
  reporting.progress({ type: 'diagnostics', diagnostics });
  return await engine.stacks.run(name, async () => {
    const plan = await engine.planning.run('plan', async () => {
      const made = await makeUpPlan(engine, stack, options);
      reporting.progress({ type: 'plan', plan: made });
      refuseConflicts(made);
      engine.reserved.set(name, reservation(made));
      return made;
    });
    try {
      if (plan.steps.length > 0) {
        const { files, projectDirectory } = stack;
        engine.machine.records.stacks.put({ name, files, projectDirectory });
        const failed = await execute(plan, engine.executorOf(plan), {
          ...reporting,
          concurrency: engine.concurrency,
          onFailure: 'undo',
        });
        await endFailedUpdates(engine, { stack, plan, failed }, reporting);
      }
    } finally {
      engine.reserved.delete(name);
    }
    if (options.wait) await waitForAll(engine, stack, options, reporting.signal);
    return { stack: name, services: Object.keys(stack.services) };
  });
}

function reservation({ steps }: Plan): Reservation {
  const containers = steps.flatMap((step) =>
    step.type === 'create-container' || step.type === 'update-container' ? [step] : [],
  );
  return {
    subnets: steps.flatMap((step) =>
      step.type === 'create-network' && step.network.subnet4 !== undefined ? [step.network.subnet4] : [],
    ),
    ports: containers.flatMap(({ ports }) => ports),
    containerNames: containers.map(({ spec }) => spec.name),
  };
}

/** `--wait`: every service runs and, where it has a healthcheck, is healthy; what others wait for to complete has completed. */
async function waitForAll(engine: Engine, stack: Stack, options: UpOptions, signal: AbortSignal): Promise<void> {
  const timeout = options.waitTimeoutMs;
  const limited = timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  try {
    await Promise.all(
      waitConditions(engine, stack).map((condition) => engine.supervisor.waitFor(stack.name, condition, limited)),
    );
  } catch (error) {
    if (!limited.aborted || signal.aborted || timeout === undefined) throw error;
    throw new TsstackError('timeout', `Not everything was running and healthy after ${timeout / 1000} s`, {
      hint: 'See what is missing: tsstack ps',
    });
  }
}

function waitConditions(engine: Engine, stack: Stack): readonly WaitFor[] {
  const awaited = new Set(
    Object.values(stack.services).flatMap(({ dependsOn }) =>
      Object.entries(dependsOn).flatMap(([service, { condition }]) =>
        condition === 'service_completed_successfully' ? [service] : [],
      ),
    ),
  );
  return Object.values(stack.services).map((service) => {
    const replicas = Array.from({ length: service.replicas }, (_, index) => index + 1);
    const checked = replicas.some((index) => {
      const record = engine.machine.records.replica({ stack: stack.name, service: service.name, index });
      return record?.spec.healthcheck !== undefined;
    });
    const condition = awaited.has(service.name)
      ? 'service_completed_successfully'
      : checked
        ? 'service_healthy'
        : 'service_started';
    return { service: service.name, replicas, condition, required: true };
  });
}
