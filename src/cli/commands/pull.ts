import type { PulledImages, PullRequest } from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** `tsstack pull`. */
export const command = defineCommand({
  name: 'pull',
  summary: 'Fetch the images of a stack from their registries',
  operands: '[SERVICE…]',
  options: {
    policy: value('', 'POLICY', 'missing: only what is not there; always, the default: also newer ones'),
    'include-deps': flag('', 'Also of services that the named ones depend on'),
    'ignore-pull-failures': flag('', 'Warn of what cannot be pulled, and go on'),
    'ignore-buildable': flag('', 'Not the images of services that can be built'),
    quiet: flag('q', 'No progress'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack pull', does: 'the newest images of all services, layers side by side' },
    { command: 'tsstack pull --policy missing web', does: 'what web lacks' },
    { command: 'tsstack pull --ignore-pull-failures', does: 'what can be had; the rest is warned about' },
  ],
  run: async (context, { options, operands }) => {
    const { policy = 'always' } = options;
    if (policy !== 'always' && policy !== 'missing') {
      throw new TsstackError('usage', `Option --policy needs always or missing, got "${policy}"`);
    }
    const body: Omit<PullRequest, 'requestId'> = {
      load: loadRequest(context, operands),
      includeDeps: options['include-deps'],
      ignoreFailures: options['ignore-pull-failures'],
      ignoreBuildable: options['ignore-buildable'],
      policy,
    };
    await streamRequest<PulledImages>(context, { path: '/v1/pull', body, quiet: options.quiet });
    return EXIT.done;
  },
});
