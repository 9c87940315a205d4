import { defineCommand, EXIT } from '../command.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack watch`. */
export const command = defineCommand({
  name: 'watch',
  summary: 'Keep the machine matched while the stack file and develop.watch paths change',
  operands: '[SERVICE…]',
  options: {},
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack watch', does: 'until Ctrl-C; what runs stays up' },
    { command: 'tsstack watch web', does: 'only for one service' },
  ],
  run: async (context, { operands }) => {
    await streamRequest(context, { path: '/v1/watch', body: { load: loadRequest(context, operands) }, endless: true });
    return EXIT.done;
  },
});
