import type { ProgressEvent } from '../../model/event.ts';
import type { Plan } from '../../model/plan.ts';
import { type Meaning, renderPlan as render } from '../../planner/render.ts';
import type { Context } from '../command.ts';
import type { Look, Style } from '../style.ts';

const LOOKS: Readonly<Record<Meaning, Look>> = {
  create: 'green',
  update: 'yellow',
  replace: 'magenta',
  start: 'green',
  stop: 'red',
  remove: 'red',
  heading: 'bold',
  conflict: 'red',
  warning: 'yellow',
  hint: 'cyan',
  faint: 'dim',
};

/** A plan for people, painted. */
export function renderPlan(plan: Plan, style: Style): string {
  return render(plan, { style: (meaning, text) => style(LOOKS[meaning], text) });
}

/** Shows the plan of a request as soon as it is there; JSON progress has it anyway, and a dry run shows it itself. */
export function showPlan({ format, err, globals }: Context, event: ProgressEvent): void {
  if (event.type === 'plan' && format !== 'json' && !globals['dry-run']) err.write(renderPlan(event.plan, err.style));
}
