import type { Affected, KillRequest } from '../../daemon/api.ts';
import { printAffected } from '../affected.ts';
import { defineCommand, EXIT } from '../command.ts';
import { value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';

/** `tsstack kill`. */
export const command = defineCommand({
  name: 'kill',
  summary: 'Send a signal to running containers; killed ones stay stopped until they are started',
  operands: '[SERVICE…]',
  options: { signal: value('s', 'SIGNAL', 'HUP, SIGUSR1, 15, …, instead of SIGKILL') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack kill', does: 'all, at once; no restart policy brings them back' },
    { command: 'tsstack kill -s HUP web', does: 'have a server read its configuration again' },
  ],
  run: async (context, { options, operands }) => {
    const { signal } = options;
    const request: KillRequest = {
      selector: stackSelector(context),
      services: operands,
      ...(signal !== undefined && { signal }),
    };
    const affected = await context.client.post<Affected>('/v1/kill', request);
    const done = signal === undefined ? 'killed' : `got the signal ${signal}`;
    printAffected(context, affected, { done, none: 'No container runs that could be killed' });
    return EXIT.done;
  },
});
