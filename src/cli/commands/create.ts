import type { UpRequest, UpResult } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag, list } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';
import { showPlan } from '../views/plan.ts';

/** `tsstack create`. */
export const command = defineCommand({
  name: 'create',
  summary: 'Make what up would make, and start nothing',
  operands: '[SERVICE…]',
  options: {
    'force-recreate': flag('', 'Replace containers even if nothing has changed'),
    'no-deps': flag('', 'Leave the services alone that the named ones depend on'),
    'remove-orphans': flag('', 'Remove containers of services that are no longer in the file'),
    scale: list('', 'SERVICE=N', 'Run so many replicas of this service, whatever the file says'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack create', does: 'networks, volumes and containers; tsstack start starts them' },
    { command: 'tsstack create web', does: 'only web and what it depends on' },
  ],
  run: async (context, { options, operands }) => {
    const body: Omit<UpRequest, 'requestId'> = {
      load: loadRequest(context, operands, options.scale),
      forceRecreate: options['force-recreate'],
      noDeps: options['no-deps'],
      removeOrphans: options['remove-orphans'],
      noStart: true,
      wait: false,
    };
    await streamRequest<UpResult>(context, { path: '/v1/up', body, onEvent: (event) => showPlan(context, event) });
    return EXIT.done;
  },
});
