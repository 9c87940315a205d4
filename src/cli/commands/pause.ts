import { pauseCommand } from '../pause-command.ts';

/** `tsstack pause`. */
export const command = pauseCommand({
  name: 'pause',
  summary: 'Freeze the processes of running containers where they are',
  examples: [
    { command: 'tsstack pause', does: 'all; tsstack unpause lets them go on' },
    { command: 'tsstack pause db', does: 'one service: see how the others bear it' },
  ],
  words: { done: 'paused', none: 'No container runs that could be paused' },
});
