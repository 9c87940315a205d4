import type { ContainerDetail, ContainersRequest } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { stackSelector } from '../stack-request.ts';

/** `tsstack inspect`. */
export const command = defineCommand({
  name: 'inspect',
  summary: 'Print all that is known of containers, as JSON',
  operands: '[SERVICE…]',
  options: {},
  formats: ['json'],
  examples: [
    { command: 'tsstack inspect', does: 'every container of the stack' },
    { command: 'tsstack inspect web', does: 'state, limits, addresses, mounts, health results … of one service' },
    {
      command: "tsstack inspect web | jq -r '.[].commands[].command'",
      does: 'what to type to see its namespaces, cgroups, links and rules',
    },
  ],
  run: async (context, { operands }) => {
    const request: ContainersRequest = { selector: stackSelector(context), services: operands };
    const containers = await context.client.post<readonly ContainerDetail[]>('/v1/inspect', request);
    context.out.write(`${JSON.stringify(containers, undefined, 2)}\n`);
    return EXIT.done;
  },
});
