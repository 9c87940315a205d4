import { defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { flag } from '../options.ts';
import { renderContainers } from '../views/ps.ts';

/** `tsstack ps`. */
export const command = defineCommand({
  name: 'ps',
  summary: 'List containers of a stack',
  operands: '[SERVICE…]',
  options: {
    all: flag('a', 'Also those that do not run, and one-offs (tsstack run)'),
    quiet: flag('q', 'Only names'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack ps', does: 'what runs, since when, on which ports, with what usage' },
    { command: 'tsstack ps -a', does: 'also what has ended, and how' },
    { command: 'tsstack ps --format json', does: 'for scripts' },
  ],
  run: async (context, { options, operands }) => {
    const all = await listContainers(context, operands, options.all ? { oneOffs: true } : {});
    const shown = options.all ? all : all.filter(({ status }) => status !== 'created' && status !== 'exited');
    if (options.quiet) context.out.write(shown.map(({ name }) => `${name}\n`).join(''));
    else if (context.format === 'json') context.out.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    else context.out.write(renderContainers(shown, Date.now()));
    return EXIT.done;
  },
});
