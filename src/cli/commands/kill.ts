import type { Affected, KillRequest, RemoveRequest } from '../../daemon/api.ts';
import { printAffected } from '../affected.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { flag, value } from '../options.ts';
import { orphanServices } from '../orphans.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack kill`. */
export const command = defineCommand({
  name: 'kill',
  summary: 'Send a signal to running containers; killed ones stay stopped until they are started',
  operands: '[SERVICE…]',
  options: {
    signal: value('s', 'SIGNAL', 'HUP, SIGUSR1, 15, …, instead of SIGKILL'),
    'remove-orphans': flag('', 'Also remove containers of services that are no longer in the file'),
  },
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
      ...(context.globals['dry-run'] && { dryRun: true }),
      ...(signal !== undefined && { signal }),
    };
    const affected = await context.client.post<Affected>('/v1/kill', request);
    const done = signal === undefined ? 'killed' : `got the signal ${signal}`;
    printAffected(context, affected, { done, none: 'No container runs that could be killed' });
    if (options['remove-orphans']) await removeOrphans(context);
    return EXIT.done;
  },
});

async function removeOrphans(context: Context): Promise<void> {
  const services = await orphanServices(context);
  if (services.length === 0) return;
  const body: Omit<RemoveRequest, 'requestId'> = {
    selector: stackSelector(context),
    services,
    stop: true,
    removeVolumes: false,
  };
  await streamRequest(context, { path: '/v1/rm', body });
}
