import type { LogoutRequest, LogoutResult } from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';

/** `tsstack logout`. */
export const command = defineCommand({
  name: 'logout',
  summary: 'Forget the credentials for a registry',
  operands: '[REGISTRY]',
  options: {},
  formats: ['table', 'json'],
  examples: [{ command: 'tsstack logout registry.test', does: 'as docker logout' }],
  run: async (context, { operands }) => {
    const [registry = '', ...more] = operands;
    if (more.length > 0) throw new TsstackError('usage', `logout takes one registry, got "${operands.join(' ')}"`);
    const request: LogoutRequest = { registry, env: context.env };
    const { removed } = await context.client.post<LogoutResult>('/v1/logout', request);
    if (context.format === 'json') context.out.write(`${JSON.stringify({ removed })}\n`);
    else context.err.write(removed ? 'The credentials are removed\n' : 'There were no credentials\n');
    return EXIT.done;
  },
});
