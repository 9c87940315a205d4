import type { UpRequest, UpResult } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { scaleOption } from '../numbers.ts';
import { flag } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';
import { showPlan } from '../views/plan.ts';

/** `tsstack scale`. */
export const command = defineCommand({
  name: 'scale',
  summary: 'Run so many replicas of services; a later up goes by the stack file again',
  operands: 'SERVICE=N…',
  options: {
    'no-deps': flag('', 'Leave the services alone that the named ones depend on'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack scale web=3', does: 'three replicas; the newest go first when there are more' },
    { command: 'tsstack scale web=3 worker=0', does: 'two services at once' },
  ],
  run: async (context, { options, operands }) => {
    if (operands.length === 0) {
      throw new TsstackError('usage', 'scale needs a number of replicas', { hint: 'Write SERVICE=N: web=3' });
    }
    const body: Omit<UpRequest, 'requestId'> = {
      load: loadRequest(context, Object.keys(scaleOption(operands)), operands),
      forceRecreate: false,
      noDeps: options['no-deps'],
      removeOrphans: false,
      wait: false,
    };
    await streamRequest<UpResult>(context, { path: '/v1/up', body, onEvent: (event) => showPlan(context, event) });
    return EXIT.done;
  },
});
