import type { UpRequest } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { requestUp } from '../request-up.ts';
import { hiddenEvents, MAKE_OPTIONS, makeRequest } from '../up-options.ts';
import { showPlan } from '../views/plan.ts';

/** `tsstack create`. */
export const command = defineCommand({
  name: 'create',
  summary: 'Make what up would make, and start nothing',
  operands: '[SERVICE…]',
  options: MAKE_OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack create', does: 'networks, volumes and containers; tsstack start starts them' },
    { command: 'tsstack create web', does: 'only web and what it depends on' },
    { command: 'tsstack create --dry-run', does: 'only say what would be made' },
  ],
  run: async (context, { options, operands }) => {
    const body: Omit<UpRequest, 'requestId'> = {
      ...makeRequest(context, options, operands),
      noStart: true,
      wait: false,
    };
    await requestUp(context, body, {
      hidden: hiddenEvents(options),
      onEvent: (event) => showPlan(context, event),
    });
    return EXIT.done;
  },
});
