import type { ExecRequest, ExecResponse } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand } from '../command.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts';
import { performExec } from '../exec-process.ts';
import { givenEnvironment } from '../given-environment.ts';
import { countOption } from '../numbers.ts';
import { flag, list, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { standardStream } from '../terminal.ts';

/** `tsstack exec`. */
export const command = defineCommand({
  name: 'exec',
  summary: 'Run a program in a running container',
  operands: 'SERVICE COMMAND [ARG…]',
  stopAtOperand: true,
  options: {
    detach: flag('d', 'In the background'),
    'detach-keys': value('', 'KEYS', 'Keys that leave it running; ctrl-p,ctrl-q with a terminal'),
    interactive: flag('i', 'Keep standard input open; it always is'),
    tty: flag('t', 'With a terminal; the default where standard input and output are one'),
    'no-tty': flag('T', 'Without a terminal'),
    user: value('u', 'USER', 'As this user: name or uid, also user:group'),
    workdir: value('w', 'DIR', 'In this directory'),
    env: list('e', 'KEY=VALUE', 'Set a variable; KEY alone passes on ours'),
    index: value('', 'N', 'In this replica, instead of the first that runs'),
    privileged: flag('', 'With all capabilities'),
  },
  formats: ['table'],
  examples: [
    { command: 'tsstack exec web sh', does: 'a shell in the container' },
    { command: 'tsstack exec -T db pg_dump app > app.sql', does: 'in a pipeline, byte for byte' },
    { command: 'tsstack exec -u nobody -w /tmp web id', does: 'as another user' },
  ],
  run: async (context, { options, operands }) => {
    const [service, ...words] = operands;
    if (service === undefined || words.length === 0) {
      throw new TsstackError('usage', 'exec needs a service and a command', {
        hint: 'For example: tsstack exec web sh',
      });
    }
    if (options.tty && options['no-tty']) throw new TsstackError('usage', 'Options -t and -T exclude each other');
    const detachKeys = parseDetachKeys(options['detach-keys'] ?? DEFAULT_DETACH_KEYS);
    const tty =
      !options.detach && !options['no-tty'] && (options.tty || (process.stdin.isTTY && standardStream(1).isTTY));
    const index = countOption('index', options.index, 1);
    const request: ExecRequest = {
      selector: stackSelector(context),
      service,
      command: words,
      environment: givenEnvironment(context.env, options.env),
      tty,
      privileged: options.privileged,
      ...(index !== undefined && { index }),
      ...(options.user !== undefined && { user: options.user }),
      ...(options.workdir !== undefined && { workingDir: options.workdir }),
    };
    const failed = (reason: string): void => context.err.write(`exec: ${reason}\n`);
    const exec = await context.client.post<ExecResponse>('/v1/exec', request);
    return performExec(context.paths.run, exec, { detach: options.detach, detachKeys, failed });
  },
});
