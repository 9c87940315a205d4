import { execute } from '../executor/execute.ts';
import type { Plan } from '../model/plan.ts';
import type { Reservation } from '../observe/context.ts';
import type { LoadResult } from '../spec/load.ts';
import type { BuildWish } from './build/images-to-build.ts';
import { dueImages, type ImageWishes, provideImages } from './build/provide-images.ts';
import type { Engine } from './engine.ts';
import { endFailedUpdates } from './failed-updates.ts';
import { makeUpPlan, refuseConflicts, type UpPlanOptions } from './plan.ts';
import type { PullWish } from './pull.ts';
import type { Reporting } from './reporting.ts';
import { waitRunning } from './wait-running.ts';

export interface UpOptions extends Omit<UpPlanOptions, 'pulls' | 'builds'> {
  /** Absent: each service's own policy. */
  readonly pull?: PullWish;
  /** Absent: `missing`. */
  readonly build?: BuildWish;
  /** Services that are built anew. Absent: none. */
  readonly rebuild?: readonly string[];
  readonly wait: boolean;
  readonly waitTimeoutMs?: number;
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
  const wishes = imageWishes(options);
  if (reporting.dryRun !== true) await provideImages(engine, stack, { ...wishes, env: options.load.env }, reporting);
  const planned = { ...options, ...(reporting.dryRun === true && dueImages(engine, stack, wishes)) };
  // Images that the plan finds are there until its containers are.
  return await engine.images.hold(() =>
    engine.stacks.run(name, async () => {
      const plan = await engine.planning.run('plan', async () => {
        const made = await makeUpPlan(engine, stack, planned);
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

function imageWishes({ pull, build = 'missing', rebuild, noDeps, load }: UpOptions): ImageWishes {
  const only = noDeps && load.services.length > 0 ? load.services : undefined;
  const choice = { wish: build, ...(rebuild !== undefined && { rebuild }), ...(only !== undefined && { only }) };
  return { build: choice, ...(pull !== undefined && { pull }) };
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
