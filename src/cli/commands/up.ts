import type { UpRequest, UpResult } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { secondsOption } from '../numbers.ts';
import { flag, list, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';
import { showPlan } from '../views/plan.ts';

/** `tsstack up`. */
export const command = defineCommand({
  name: 'up',
  summary: 'Make the machine match the stack file, then follow the output of its services',
  operands: '[SERVICE…]',
  options: {
    detach: flag('d', 'Return when everything is started'),
    wait: flag('', 'Return when everything runs and is healthy'),
    'wait-timeout': value('', 'SECONDS', 'Wait at most so long; implies --wait'),
    'force-recreate': flag('', 'Replace containers even if nothing has changed'),
    'no-deps': flag('', 'Leave the services alone that the named ones depend on'),
    'remove-orphans': flag('', 'Remove containers of services that are no longer in the file'),
    scale: list('', 'SERVICE=N', 'Run so many replicas of this service, whatever the file says'),
    'no-start': flag('', 'Make everything and start nothing, as tsstack create'),
    'renew-anon-volumes': flag('V', 'Empty the anonymous volumes of containers that are made anew'),
    'no-attach': list('', 'SERVICE', 'Do not show the output of this service'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack up', does: 'bring everything up; Ctrl-C stops it in order' },
    { command: 'tsstack up -d --wait', does: 'in the background, return when it is healthy' },
    { command: 'tsstack up -d web', does: 'only web and what it depends on' },
    { command: 'tsstack up -d --scale web=3', does: 'three replicas of web; a later up goes by the file again' },
    { command: 'tsstack -f base.yaml -f dev.yaml up', does: 'merge two files' },
  ],
  run: async (context, { options, operands }) => {
    const waitTimeoutMs = secondsOption('wait-timeout', options['wait-timeout']);
    const wait = options.wait || waitTimeoutMs !== undefined;
    if (wait && options['no-attach'].length > 0) throw new TsstackError('usage', '--no-attach has no use with --wait');
    const noStart = options['no-start'];
    if (wait && noStart) throw new TsstackError('usage', 'Options --wait and --no-start exclude each other');
    const request: Omit<UpRequest, 'requestId'> = {
      load: loadRequest(context, operands, options.scale),
      forceRecreate: options['force-recreate'],
      noDeps: options['no-deps'],
      removeOrphans: options['remove-orphans'],
      noStart,
      renewAnonVolumes: options['renew-anon-volumes'],
      wait,
      ...(waitTimeoutMs !== undefined && { waitTimeoutMs }),
    };
    const foreground = !options.detach && !wait && !noStart && context.format !== 'json';
    const attach = foreground ? await import('../attach.ts') : undefined;
    const starts = attach?.logStarts(context.paths);
    const result = await streamRequest<UpResult>(context, {
      path: '/v1/up',
      body: request,
      onEvent: (event) => {
        showPlan(context, event);
        starts?.see(event);
      },
    });
    if (attach === undefined || starts === undefined) return EXIT.done;
    return attach.attach(context, result, { starts, hidden: options['no-attach'] });
  },
});
