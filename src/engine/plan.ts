import { imageKey } from '../image/image.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { TsstackError } from '../model/error.ts';
import type { Plan } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { observe } from '../observe/observe.ts';
import { planUp } from '../planner/plan.ts';
import { type LoadRequest, loadStack } from '../spec/load.ts';
import type { Engine } from './engine.ts';
import { preflight } from './preflight.ts';

export interface UpPlanOptions {
  readonly load: LoadRequest;
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
}

export interface UpPlan {
  readonly stack: Stack;
  readonly plan: Plan;
  readonly diagnostics: readonly Diagnostic[];
}

/** What `up` would do. Throws `invalid-stack`; conflicts are in the plan. */
export async function makeUpPlan(engine: Engine, options: UpPlanOptions): Promise<UpPlan> {
  const { stack, diagnostics } = loadStack(options.load);
  const observed = await observe(engine.observer, stack.name, stack);
  const plan = planUp(stack, observed, {
    services: options.load.services,
    forceRecreate: options.forceRecreate,
    noDeps: options.noDeps,
    removeOrphans: options.removeOrphans,
    imageKey,
  });
  const conflicts = [...plan.conflicts, ...preflight(engine.machine.host, stack)];
  const warnings = [...plan.warnings, ...unsupported(engine, stack)];
  return { stack, plan: { ...plan, conflicts, warnings }, diagnostics };
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
