import type { RemoveImagesRequest } from '../../daemon/image-api.ts';
import type { RunRequest, RunResult } from '../../daemon/run-api.ts';
import type { FailedImage } from '../../model/error.ts';
import type { LoadRequest } from '../../spec/request.ts';
import type { Context } from '../command.ts';
import { followOneOff } from '../follow-one-off.ts';
import { streamRequest } from '../stream-request.ts';
import { uniqueName } from '../unique-name.ts';
import { printError } from '../views/error.ts';

/** What its one service is called. */
const SERVICE = 'failed';

/**
 * An interactive shell in what a failed step left, with that step's environment, directory and user; nothing of it is
 * there afterwards. What goes wrong is shown and changes nothing else.
 */
export async function lookRound(context: Context, failed: FailedImage): Promise<void> {
  const stack = `failed-build-${uniqueName()}`.toLowerCase();
  const quiet = { ...context, format: 'table' as const };
  try {
    await openShell(quiet, failed, stack);
  } catch (error) {
    printError(context.err, error);
  }
  const image: RemoveImagesRequest = { names: [failed.id], force: true };
  await attempt(context, () => context.client.post('/v1/store/remove', image));
  await attempt(context, () =>
    streamRequest(quiet, { path: '/v1/down', body: { selector: { stack }, removeVolumes: true }, quiet: true }),
  );
}

async function openShell(context: Context, failed: FailedImage, stack: string): Promise<void> {
  const said = failed.argv === undefined ? '' : ` after ${failed.argv.join(' ')}`;
  context.err.write(`A shell in the failed state of ${failed.service}${said}; its end removes it\n`);
  const sinceMs = Date.now();
  const body: Omit<RunRequest, 'requestId'> = {
    load: failedStack(failed, stack),
    service: SERVICE,
    remove: true,
    command: [],
    environment: {},
    labels: {},
    tty: true,
    stdinOpen: true,
    servicePorts: false,
    publish: [],
    volumes: [],
    noDeps: true,
    useAliases: false,
    capAdd: [],
    capDrop: [],
    client: process.pid,
  };
  const started = await streamRequest<RunResult>(context, { path: '/v1/run', body, quiet: true });
  await followOneOff(context, started, { sinceMs, input: true, remove: true });
}

/** A stack file of one service, as text: no file of the caller says anything of it. */
export function failedStack({ id, env, workingDir, user }: FailedImage, stack: string): LoadRequest {
  const service = {
    image: id,
    pull_policy: 'never',
    entrypoint: ['/bin/sh'],
    command: [],
    environment: env,
    ...(workingDir !== '' && { working_dir: workingDir }),
    ...(user !== '' && { user }),
  };
  return {
    files: ['-'],
    // Nothing is a variable in there.
    stdin: JSON.stringify({ services: { [SERVICE]: service } }).replaceAll('$', '$$$$'),
    cwd: '/',
    projectDirectory: '/',
    projectName: stack,
    env: {},
    envFiles: [],
    profiles: [],
    services: [],
  };
}

async function attempt(context: Context, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    printError(context.err, error);
  }
}
