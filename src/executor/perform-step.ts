import type { Step, StepType } from '../model/plan.ts';
import type { ExecutorContext } from './context.ts';
import type { Handler, StepOf, StepRun } from './handler.ts';
import { HANDLERS } from './handlers.ts';

/** A step that nobody watches. */
export const SILENT: Omit<StepRun, 'signal'> = {
  waiting: () => undefined,
  warn: () => undefined,
  idle: (work) => work(),
};

/** Carries out one step with its handler. */
export async function performStep(step: Step, context: ExecutorContext, run: StepRun): Promise<void> {
  await perform(step.type, step, context, run);
}

async function perform<Type extends StepType>(
  type: Type,
  step: Step,
  context: ExecutorContext,
  run: StepRun,
): Promise<void> {
  // The table pairs every type with its own handler; the compiler can't follow that through an index.
  const handler = HANDLERS[type] as unknown as Handler<Type>;
  const own = step as StepOf<Type>;
  try {
    await handler.before?.(own, context, run);
    await context.host.perform(await handler.operations(own, context), run.signal);
  } catch (error) {
    throw handler.explain === undefined ? error : await handler.explain(error, own, context);
  }
  await handler.after?.(own, context, run);
}
