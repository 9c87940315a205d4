import type { ContainerSummary, RemoveRequest } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { flag } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack rm`. */
export const command = defineCommand({
  name: 'rm',
  summary: 'Remove stopped containers; networks and named volumes stay',
  operands: '[SERVICE…]',
  options: {
    force: flag('f', 'Do not ask'),
    stop: flag('s', 'Stop those that run, and remove them too'),
    volumes: flag('v', 'Also remove their anonymous volumes'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack rm', does: 'all that do not run, after a yes' },
    { command: 'tsstack rm -fsv web', does: 'one service, running or not, without asking' },
  ],
  run: async (context, { options, operands }) => {
    const going = (await listContainers(context, operands, { oneOffs: true })).filter(
      (each) => isDown(each) || (options.stop && (each.oneOffOf === undefined || operands.includes(each.service))),
    );
    if (going.length === 0) {
      context.err.write('No stopped containers\n');
      return EXIT.done;
    }
    if (!options.force && !(await agreed(context, going))) return EXIT.done;
    const body: Omit<RemoveRequest, 'requestId'> = {
      selector: stackSelector(context),
      services: operands,
      stop: options.stop,
      removeVolumes: options.volumes,
    };
    await streamRequest(context, { path: '/v1/rm', body });
    return EXIT.done;
  },
});

function isDown({ status }: ContainerSummary): boolean {
  return status === 'exited' || status === 'created';
}

/** Asks on the terminal. Throws `usage` where nobody can answer. */
async function agreed({ err }: Context, going: readonly ContainerSummary[]): Promise<boolean> {
  const names = going.map(({ name }) => name).join(', ');
  if (!process.stdin.isTTY) {
    throw new TsstackError('usage', `rm asks before it removes ${names}, and standard input is no terminal`, {
      hint: 'Add -f to remove them without being asked',
    });
  }
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    err.write(`Going to remove ${names}\n`);
    const answer = await terminal.question('Are you sure? [yN] ');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
