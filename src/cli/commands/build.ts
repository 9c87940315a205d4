import type { BuildResult } from '../../daemon/image-api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { TsstackError } from '../../model/error.ts';
import { BUILD_OPTIONS, type BuildBody, buildRequest, progressOf } from '../build/request.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { exitStatus } from '../exit-status.ts';
import { streamRequest } from '../stream-request.ts';
import { excludeEachOther } from '../up-options.ts';

/** `tsstack build`. */
export const command = defineCommand({
  name: 'build',
  summary: 'Build the images of a stack, side by side',
  operands: '[SERVICE…]',
  options: BUILD_OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack build', does: 'all services with a build; steps that did not change take no time' },
    { command: 'tsstack build --no-cache --pull web', does: 'web from scratch, over the newest base image' },
    { command: 'tsstack build --build-arg VERSION=2 --target test web', does: 'up to the stage test' },
    { command: 'tsstack build --shell-on-failure web', does: 'look round where a step has failed' },
    { command: 'tsstack build --check', does: 'only say what is wrong with the Dockerfiles' },
    { command: 'tsstack build --push', does: 'send the images to the registries of their names' },
  ],
  run: async (context, { options, operands }) => {
    excludeEachOther(options, ['print', 'check'], ['print', 'push'], ['check', 'push']);
    const progress = progressOf(options);
    const body = buildRequest(context, options, operands);
    if (options.print) return (await import('../build/look.ts')).printBuilds(context, body);
    if (options.check) return (await import('../build/look.ts')).printProblems(context, body);
    const result = await build(context, body, {
      path: '/v1/build',
      quiet: progress === 'quiet',
      ...(progress !== 'quiet' && progress !== 'auto' && { progress }),
    });
    if (typeof result === 'number') return result;
    if (context.format !== 'json') print(context, result, progress === 'quiet');
    return EXIT.done;
  },
});

/** Where a step fails and its state was to be kept, a shell is opened in it: then the error's exit status is what is left. */
async function build(
  context: Context,
  body: BuildBody,
  options: Omit<Parameters<typeof streamRequest>[1], 'body'>,
): Promise<BuildResult | number> {
  try {
    return await streamRequest<BuildResult>(context, { ...options, body });
  } catch (error) {
    if (!(error instanceof TsstackError) || error.failedImage === undefined) throw error;
    const [{ lookRound }, { printError }] = await Promise.all([
      import('../build/failed-shell.ts'),
      import('../views/error.ts'),
    ]);
    printError(context.err, error);
    await lookRound(context, error.failedImage);
    return exitStatus(error.code);
  }
}

function print({ out }: Context, { built, pushed }: BuildResult, quiet: boolean): void {
  for (const { service, id, names } of built) out.write(quiet ? `${id}\n` : `${service} ${id} ${names.join(' ')}\n`);
  if (quiet) return;
  for (const { name, digest, uploadedBytes } of pushed) {
    out.write(`${name} ${digest} ${formatBytes(uploadedBytes)} sent\n`);
  }
}
