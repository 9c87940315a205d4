import type { StackSummary } from '../../daemon/api.ts';
import { table } from '../../lib/table.ts';
import { TsstackError } from '../../model/error.ts';
import { CONTAINER_STATUSES } from '../../model/observed.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag, list } from '../options.ts';

/** `tsstack ls`. */
export const command = defineCommand({
  name: 'ls',
  summary: 'List the stacks of this machine',
  operands: '',
  options: {
    all: flag('a', 'Also those of which nothing runs'),
    quiet: flag('q', 'Only names'),
    filter: list('', 'FILTER', 'name=REGEX: only stacks of such a name'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack ls', does: 'names, how much of each runs, and their files' },
    { command: 'tsstack ls -a --filter name=^demo', does: 'also stopped ones, of some names' },
    { command: 'tsstack ls -q', does: 'only the names, for scripts' },
  ],
  run: async (context, { options }) => {
    const patterns = options.filter.map(namePattern);
    const stacks = (await context.client.get<readonly StackSummary[]>('/v1/stacks'))
      .filter(({ statuses }) => options.all || isUp(statuses))
      .filter(({ name }) => patterns.every((pattern) => pattern.test(name)));
    if (options.quiet) context.out.write(stacks.map(({ name }) => `${name}\n`).join(''));
    else if (context.format === 'json') context.out.write(`${JSON.stringify(stacks, undefined, 2)}\n`);
    else {
      const rows = stacks.map(({ name, statuses, files }) => [name, statusText(statuses), files.join(',')]);
      context.out.write(table(['NAME', 'STATUS', 'CONFIG FILES'], rows));
    }
    return EXIT.done;
  },
});

type Statuses = StackSummary['statuses'];

function isUp({ running = 0, paused = 0, restarting = 0 }: Statuses): boolean {
  return running + paused + restarting > 0;
}

/** `running(2), paused(1)`, as Compose has it. */
function statusText(statuses: Statuses): string {
  const parts = CONTAINER_STATUSES.flatMap((status) => {
    const count = statuses[status] ?? 0;
    return count === 0 ? [] : `${status}(${count})`;
  });
  return parts.length === 0 ? 'no containers' : parts.sort().join(', ');
}

function namePattern(filter: string): RegExp {
  const [, pattern] = /^name=(.*)$/.exec(filter) ?? [];
  if (pattern === undefined) throw new TsstackError('usage', `Option --filter needs name=REGEX, got "${filter}"`);
  try {
    return new RegExp(pattern);
  } catch {
    throw new TsstackError('usage', `"${pattern}" is no regular expression`);
  }
}
