import { imageKey } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import type { Plan } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { observe } from '../observe/observe.ts';
import { planUp } from '../planner/plan.ts';
import type { LoadRequest } from '../spec/load.ts';
import type { Engine } from './engine.ts';
import { preflight } from './preflight.ts';

export interface UpPlanOptions {
  /** How the stack was loaded, or is to be loaded again. */
  readonly load: LoadRequest;
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
  readonly renewAnonVolumes?: boolean;
}

/** What `up` would do with a stack; conflicts are in the plan. */
export async function makeUpPlan(engine: Engine, stack: Stack, options: UpPlanOptions): Promise<Plan> {
  const observed = await observe(engine.observer, stack.name, stack);
  const plan = planUp(stack, observed, {
    services: options.load.services,
    forceRecreate: options.forceRecreate,
    noDeps: options.noDeps,
    removeOrphans: options.removeOrphans,
    renewAnonVolumes: options.renewAnonVolumes === true,
    imageKey,
  });
  const conflicts = [...plan.conflicts, ...preflight(engine.machine.host, stack)];
  const warnings = [...plan.warnings, ...unsupported(engine, stack)];
  return { ...plan, conflicts, warnings };
}

/** Limits that this machine's kernel can't keep. */
function unsupported({ machine: { cgroups } }: Engine, { services }: Stack): readonly string[] {
  return Object.values(services).flatMap(({ name, resources }) =>
    cgroups.unsupportedResources(resources).map((warning) => `service.${name}: ${warning}`),
  );
}

/** Throws one error that says everything that stands in the way. */
export function refuseConflicts({ conflicts }: Plan): void {
  if (conflicts.length === 0) return;
  const lines = conflicts.map(
    ({ address, message, hint }) => `${address}: ${message}${hint === undefined ? '' : `\n  → ${hint}`}`,
  );
  throw new TsstackError('conflict', lines.join('\n'), { hint: 'Nothing was changed' });
}
