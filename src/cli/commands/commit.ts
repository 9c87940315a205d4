import type { CommitRequest, CommitResult } from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { countOption } from '../numbers.ts';
import { flag, list, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack commit`. */
export const command = defineCommand({
  name: 'commit',
  summary: 'Make an image of a container: its image, and what it has written',
  operands: 'SERVICE [NAME[:TAG]]',
  options: {
    index: value('', 'N', 'Which replica; the first unless given'),
    author: value('a', 'TEXT', 'Who made it'),
    message: value('m', 'TEXT', 'What for; in the history'),
    change: list('c', 'INSTRUCTION', 'An instruction of a Dockerfile for the configuration: CMD, ENV, …'),
    'no-pause': flag('', 'Do not freeze the processes while their files are read'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack commit db snapshot:1', does: 'mounts are not part of it, nor the environment of the service' },
    { command: 'tsstack commit -c \'CMD ["sh"]\' web debug:1', does: 'with another command' },
  ],
  run: async (context, { options, operands }) => {
    const [service, name, ...more] = operands;
    if (service === undefined || more.length > 0) {
      throw new TsstackError('usage', 'commit needs one service, and at most one name for the image');
    }
    const index = countOption('index', options.index, 1);
    const body: Omit<CommitRequest, 'requestId'> = {
      selector: stackSelector(context),
      service,
      ...(index !== undefined && { index }),
      ...(name !== undefined && { name }),
      author: options.author ?? '',
      message: options.message ?? '',
      changes: options.change,
      pause: !options['no-pause'],
    };
    const { id } = await streamRequest<CommitResult>(context, { path: '/v1/commit', body });
    if (context.format !== 'json') context.out.write(`${id}\n`);
    return EXIT.done;
  },
});
