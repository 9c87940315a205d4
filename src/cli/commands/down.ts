import type { DownRequest, DownResult } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { secondsOption } from '../numbers.ts';
import { flag, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack down`. */
export const command = defineCommand({
  name: 'down',
  summary: 'Stop a stack in order and remove its containers and networks',
  operands: '[SERVICE…]',
  options: {
    volumes: flag('v', 'Also remove its volumes, with what is in them'),
    timeout: value('t', 'SECONDS', 'Time to stop before a container is killed, instead of its own'),
    'remove-orphans': flag('', 'Accepted: without names, orphans go with the rest'),
    rmi: value('', 'local|all', 'Accepted: images are files of yours, and stay'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack down', does: 'remove everything but volumes' },
    { command: 'tsstack down -v -t 0', does: 'at once, with volumes' },
    { command: 'tsstack down web', does: 'only web, what depends on it, and what nobody else uses' },
    { command: 'tsstack -p demo down', does: 'by name, where the file is gone' },
  ],
  run: async (context, { options, operands }) => {
    checkRmi(context, options.rmi);
    const timeoutMs = secondsOption('timeout', options.timeout);
    const body: Omit<DownRequest, 'requestId'> = {
      selector: stackSelector(context),
      services: operands,
      removeVolumes: options.volumes,
      removeOrphans: options['remove-orphans'],
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    await streamRequest<DownResult>(context, { path: '/v1/down', body });
    return EXIT.done;
  },
});

function checkRmi({ err }: Context, given: string | undefined): void {
  if (given === undefined) return;
  if (given !== 'local' && given !== 'all') {
    throw new TsstackError('usage', `Option --rmi needs local or all, got "${given}"`);
  }
  err.write('--rmi: this version uses images where they lie; they are files of yours, and stay\n');
}
