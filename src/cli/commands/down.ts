import type { DownRequest, DownResult } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { secondsOption } from '../numbers.ts';
import { flag, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack down`. */
export const command = defineCommand({
  name: 'down',
  summary: 'Stop a stack in order and remove its containers and networks',
  operands: '',
  options: {
    volumes: flag('v', 'Also remove its volumes, with what is in them'),
    timeout: value('t', 'SECONDS', 'Time to stop before a container is killed, instead of its own'),
    'remove-orphans': flag('', 'Also remove containers of services that are no longer in the file'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack down', does: 'remove everything but volumes' },
    { command: 'tsstack down -v -t 0', does: 'at once, with volumes' },
    { command: 'tsstack -p demo down', does: 'by name, where the file is gone' },
  ],
  run: async (context, { options }) => {
    const timeoutMs = secondsOption('timeout', options.timeout);
    const body: Omit<DownRequest, 'requestId'> = {
      selector: stackSelector(context),
      removeVolumes: options.volumes,
      removeOrphans: options['remove-orphans'],
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    await streamRequest<DownResult>(context, { path: '/v1/down', body });
    return EXIT.done;
  },
});
