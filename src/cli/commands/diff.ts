import type { ChangesRequest, ContainerChange } from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { countOption } from '../numbers.ts';
import { value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';

/** Docker's letters. */
const LETTERS = { added: 'A', changed: 'C', deleted: 'D' } as const;

/** `tsstack diff`. */
export const command = defineCommand({
  name: 'diff',
  summary: 'Show what a container has written besides its image',
  operands: 'SERVICE',
  options: { index: value('', 'N', 'Which replica; the first unless given') },
  formats: ['table', 'json'],
  examples: [{ command: 'tsstack diff web', does: 'A added, C changed, D deleted; mounts are not looked at' }],
  run: async (context, { options, operands }) => {
    const [service, ...more] = operands;
    if (service === undefined || more.length > 0) throw new TsstackError('usage', 'diff needs one service');
    const index = countOption('index', options.index, 1);
    const request: ChangesRequest = {
      selector: stackSelector(context),
      service,
      ...(index !== undefined && { index }),
    };
    const changes = await context.client.post<readonly ContainerChange[]>('/v1/changes', request);
    if (context.format === 'json') context.out.write(`${JSON.stringify(changes, undefined, 2)}\n`);
    else context.out.write(changes.map(({ kind, path }) => `${LETTERS[kind]} ${path}\n`).join(''));
    return EXIT.done;
  },
});
