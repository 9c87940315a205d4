import type { ContainersRequest, LaunchExplanation } from '../../daemon/api.ts';
import { table } from '../../lib/table.ts';
import { defineCommand, EXIT } from '../command.ts';
import { stackSelector } from '../stack-request.ts';

/** `tsstack explain`. */
export const command = defineCommand({
  name: 'explain',
  summary: 'Show how containers are started, system call by system call',
  operands: '[SERVICE…]',
  options: {},
  formats: ['table', 'json'],
  examples: [
    {
      command: 'tsstack explain web',
      does: 'namespaces, mounts, limits, ids, capabilities, filter, program, in order',
    },
    { command: 'tsstack explain --format json', does: 'the same as data' },
  ],
  run: async (context, { operands }) => {
    const request: ContainersRequest = { selector: stackSelector(context), services: operands };
    const containers = await context.client.post<readonly LaunchExplanation[]>('/v1/explain', request);
    if (context.format === 'json') context.out.write(`${JSON.stringify(containers, undefined, 2)}\n`);
    else context.out.write(containers.map(render).join('\n'));
    return EXIT.done;
  },
});

function render({ name, steps }: LaunchExplanation): string {
  const rows = steps.map(({ first, last, call, does }) => [
    first === last ? `${first}` : `${first}-${last}`,
    call,
    does,
  ]);
  return `${name}\n${table(['STEP', 'CALL', 'DOES'], rows)}`;
}
