import type { StackSummary } from '../../daemon/api.ts';
import { table } from '../../lib/table.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag } from '../options.ts';

/** `tsstack ls`. */
export const command = defineCommand({
  name: 'ls',
  summary: 'List the stacks of this machine',
  operands: '',
  options: { quiet: flag('q', 'Only names') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack ls', does: 'names, how much of each runs, and their files' },
    { command: 'tsstack ls -q', does: 'only the names, for scripts' },
  ],
  run: async (context, { options }) => {
    const stacks = await context.client.get<readonly StackSummary[]>('/v1/stacks');
    if (context.format === 'json') context.out.write(`${JSON.stringify(stacks, undefined, 2)}\n`);
    else if (options.quiet) context.out.write(stacks.map(({ name }) => `${name}\n`).join(''));
    else {
      const rows = stacks.map(({ name, running, total, files }) => [
        name,
        `${running}/${total} running`,
        files.join(','),
      ]);
      context.out.write(table(['NAME', 'STATUS', 'CONFIG FILES'], rows));
    }
    return EXIT.done;
  },
});
