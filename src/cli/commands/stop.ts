import { lifecycleCommand } from '../lifecycle.ts';

/** `tsstack stop`. */
export const command = lifecycleCommand({
  name: 'stop',
  summary: 'Stop containers in order, dependents first, and keep them',
  examples: [
    { command: 'tsstack stop', does: 'stop all; tsstack start brings them back' },
    { command: 'tsstack stop -t 1 web', does: 'one service, killed after a second' },
  ],
});
