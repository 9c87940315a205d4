import { pauseCommand } from '../pause-command.ts';

/** `tsstack unpause`. */
export const command = pauseCommand({
  name: 'unpause',
  summary: 'Let the processes of paused containers go on',
  examples: [
    { command: 'tsstack unpause', does: 'all that are paused' },
    { command: 'tsstack unpause db', does: 'one service' },
  ],
  words: { done: 'goes on', none: 'No container is paused' },
});
