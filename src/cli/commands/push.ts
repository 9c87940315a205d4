import type { PushedImages, PushRequest } from '../../daemon/image-api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { printPushed } from '../image/transfer.ts';
import { flag } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack push`. */
export const command = defineCommand({
  name: 'push',
  summary: 'Send the images that a stack builds to their registries',
  operands: '[SERVICE…]',
  options: {
    'include-deps': flag('', 'Also of services that the named ones depend on'),
    'ignore-push-failures': flag('', 'Warn of what cannot be pushed, and go on'),
    quiet: flag('q', 'No progress'),
  },
  formats: ['table', 'json'],
  examples: [
    {
      command: 'tsstack push',
      does: 'the images of all services that have both build and image, and their further tags',
    },
    { command: 'tsstack push --include-deps web', does: 'those of web and of what it depends on' },
  ],
  run: async (context, { options, operands }) => {
    const body: Omit<PushRequest, 'requestId'> = {
      load: loadRequest(context, operands),
      includeDeps: options['include-deps'],
      ignoreFailures: options['ignore-push-failures'],
    };
    printPushed(context, await streamRequest<PushedImages>(context, { path: '/v1/push', body, quiet: options.quiet }));
    return EXIT.done;
  },
});
