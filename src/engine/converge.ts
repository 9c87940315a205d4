import { execute } from '../executor/execute.ts';
import type { Plan } from '../model/plan.ts';
import type { Service, Stack } from '../model/stack.ts';
import type { Reservation } from '../observe/context.ts';
import type { Engine } from './engine.ts';
import { endFailedUpdates } from './failed-updates.ts';
import { makeUpPlan, refuseConflicts, type UpPlanOptions } from './plan.ts';
import type { Reporting } from './reporting.ts';
import { waitRunning } from './wait-running.ts';

export interface ConvergeOptions extends UpPlanOptions {
  readonly wait: boolean;
  readonly waitTimeoutMs?: number;
}

/**
 * Makes the machine match a stack, of images that are there. Everything that stands in the way is said before anything is
 * changed.
 */
export function converge(
  engine: Engine,
  stack: Stack,
  options: ConvergeOptions,
  reporting: Reporting,
): Promise<{ stack: string; services: string[] }> {
  const { name } = stack;
  // The process takes longer to start than the plan to be made.
  if (reporting.dryRun !== true && Object.values(stack.services).some(isNetworked)) engine.machine.serving?.prepare();
  // Images that the plan finds are there until its containers are.
  return engine.images.hold(() =>
    engine.stacks.run(name, async () => {
      const plan = await engine.planning.run('plan', async () => {
        const made = await makeUpPlan(engine, stack, options);
        reporting.progress({ type: 'plan', plan: made });
        refuseConflicts(made);
        if (reporting.dryRun !== true) engine.reserved.set(name, reservation(made));
        return made;
      });
      const result = { stack: name, services: Object.keys(stack.services) };
      if (reporting.dryRun === true) return result;
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
      if (options.wait) await waitRunning(engine, name, { ...options, services: result.services }, reporting.signal);
      return result;
    }),
  );
}

function isNetworked({ networkMode, replicas }: Service): boolean {
  return networkMode.type === 'networks' && replicas > 0;
}

function reservation({ steps }: Plan): Reservation {
  const containers = steps.flatMap((step) =>
    step.type === 'create-container' || step.type === 'update-container' ? [step] : [],
  );
  return {
    subnets: steps.flatMap((step) =>
      step.type === 'create-network' ? [step.network.subnet4, step.network.subnet6].flatMap((each) => each ?? []) : [],
    ),
    endpoints: containers.flatMap(({ endpoints }) => endpoints),
    ports: containers.flatMap(({ ports }) => ports),
    containerNames: containers.map(({ spec }) => spec.name),
  };
}
