import { lifecycleCommand } from '../lifecycle.ts';

/** `tsstack restart`. */
export const command = lifecycleCommand({
  name: 'restart',
  summary: 'Stop containers and start them again, without looking at the stack file',
  examples: [
    { command: 'tsstack restart web', does: 'one service' },
    { command: 'tsstack restart -t 0', does: 'all, killed at once' },
  ],
});
