import { lifecycleCommand } from '../lifecycle.ts';

/** `tsstack start`. */
export const command = lifecycleCommand({
  name: 'start',
  summary: 'Start stopped containers as they were made, dependencies first',
  examples: [
    { command: 'tsstack start', does: 'start all' },
    { command: 'tsstack start db', does: 'start one service' },
  ],
});
