import { defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';

/** `tsstack inspect`. */
export const command = defineCommand({
  name: 'inspect',
  summary: 'Print all that is known of containers, as JSON',
  operands: '[SERVICE…]',
  options: {},
  formats: ['json'],
  examples: [
    { command: 'tsstack inspect', does: 'every container of the stack' },
    { command: 'tsstack inspect web', does: 'pid, addresses, usage, last health checks, log file … of one service' },
  ],
  run: async (context, { operands }) => {
    context.out.write(
      `${JSON.stringify(await listContainers(context, operands, { withHealth: true }), undefined, 2)}\n`,
    );
    return EXIT.done;
  },
});
