import { resolve } from 'node:path';
import type { BuildRequest } from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import type { Context } from '../command.ts';
import { givenEnvironment } from '../given-environment.ts';
import { flag, list, type Options, type Values, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';

export const BUILD_OPTIONS = {
  'no-cache': flag('', 'Do every step anew'),
  pull: flag('', 'Fetch base images anew'),
  'build-arg': list('', 'KEY=VALUE', 'Value of an ARG; KEY alone passes on ours'),
  target: value('', 'STAGE', 'Build this stage, of one service'),
  ssh: list('', 'ID=PATH', 'An agent or key for RUN --mount=type=ssh; default alone is our agent'),
  'with-dependencies': flag('', 'Also what the named services depend on'),
  push: flag('', 'Send what was built to the registries of its names'),
  progress: value('', 'HOW', 'auto, tty, plain, json or quiet'),
  quiet: flag('q', 'No progress; prints the ids of the images'),
  print: flag('', 'Only print what would be built, as JSON'),
  check: flag('', 'Only check the Dockerfiles'),
  'shell-on-failure': flag('', 'Where a step fails, open a shell in what it left'),
} satisfies Options;

export type BuildValues = Values<typeof BUILD_OPTIONS>;
export type BuildBody = Omit<BuildRequest, 'requestId'>;

const PROGRESS = ['auto', 'tty', 'plain', 'json', 'quiet'] as const;

/** What the daemon is asked for. Throws `usage`. */
export function buildRequest(context: Context, options: BuildValues, services: readonly string[]): BuildBody {
  return {
    load: loadRequest(context, services),
    withDependencies: options['with-dependencies'],
    noCache: options['no-cache'],
    pull: options.pull,
    args: givenEnvironment(context.env, options['build-arg'], '--build-arg'),
    ssh: sshKeys(context, options.ssh),
    keepFailed: options['shell-on-failure'] && process.stdin.isTTY && context.format !== 'json',
    push: options.push,
    ...(options.target !== undefined && { target: options.target }),
  };
}

/** How progress is shown. Throws `usage`. */
export function progressOf({ progress = 'auto', quiet }: BuildValues): (typeof PROGRESS)[number] {
  const found = PROGRESS.find((each) => each === progress);
  if (found === undefined)
    throw new TsstackError('usage', `Option --progress needs ${PROGRESS.join(', ')}, got "${progress}"`);
  return quiet ? 'quiet' : found;
}

function sshKeys({ cwd, env }: Context, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((entry) => {
      const equals = entry.indexOf('=');
      if (equals > 0) return [entry.slice(0, equals), resolve(cwd, entry.slice(equals + 1))];
      const agent = env['SSH_AUTH_SOCK'] ?? '';
      if (equals === -1 && agent !== '') return [entry, agent];
      throw new TsstackError('usage', `Option --ssh "${entry}" has no path, and SSH_AUTH_SOCK is not set`, {
        hint: 'Write ID=PATH, or start an agent: eval $(ssh-agent)',
      });
    }),
  );
}
