import type { PlanRequest, PlanResponse } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag, list } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { printDiagnostics } from '../views/error.ts';
import { renderPlan } from '../views/plan.ts';

/** `tsstack plan`. */
export const command = defineCommand({
  name: 'plan',
  summary: 'Show what up would do, and why, without doing it',
  operands: '[SERVICE…]',
  options: {
    check: flag('', 'Exit with 3 when there is something to do'),
    script: flag('', 'Print the plan as a commented shell script that does the same by hand'),
    'force-recreate': flag('', 'As up --force-recreate'),
    'no-deps': flag('', 'As up --no-deps'),
    'remove-orphans': flag('', 'As up --remove-orphans'),
    'renew-anon-volumes': flag('V', 'As up --renew-anon-volumes'),
    scale: list('', 'SERVICE=N', 'As up --scale'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack plan', does: 'what would happen, a line for each changed field' },
    { command: 'tsstack plan --check', does: 'exit 3 when the machine has drifted: for cron and CI' },
    { command: 'tsstack plan --script > up.sh', does: 'the same by hand' },
    { command: 'tsstack plan --json', does: 'the plan as data' },
  ],
  run: async (context, { options, operands }) => {
    const request: PlanRequest = {
      load: loadRequest(context, operands, options.scale),
      forceRecreate: options['force-recreate'],
      noDeps: options['no-deps'],
      removeOrphans: options['remove-orphans'],
      renewAnonVolumes: options['renew-anon-volumes'],
      script: options.script,
    };
    const { plan, diagnostics, script } = await context.client.post<PlanResponse>('/v1/plan', request);
    const { out, err } = context;
    if (context.format === 'json') out.write(`${JSON.stringify({ ...plan, diagnostics, script }, undefined, 2)}\n`);
    else {
      printDiagnostics(err, diagnostics);
      out.write(script ?? renderPlan(plan, out.style));
    }
    if (plan.conflicts.length > 0) return EXIT.failed;
    return options.check && plan.changes.length > 0 ? EXIT.changes : EXIT.done;
  },
});
