import { statSync } from 'node:fs';
import type { AttachRequest, RunResult } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { takePart } from '../container-streams.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../detach-keys.ts';
import { countOption } from '../numbers.ts';
import { flag, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';

/** `tsstack attach`. */
export const command = defineCommand({
  name: 'attach',
  summary: "Take part in the standard streams of a container's first process, until it ends",
  operands: 'SERVICE',
  options: {
    'detach-keys': value('', 'KEYS', 'Keys that leave it alone again; ctrl-p,ctrl-q with a terminal'),
    index: value('', 'N', 'This replica, instead of the first that runs'),
    'no-stdin': flag('', 'Pass no input on'),
    'sig-proxy': value('', 'BOOL', 'Whether signals, such as Ctrl-C without a terminal, are passed on; they are'),
  },
  formats: ['table'],
  examples: [
    { command: 'tsstack attach web', does: 'what it prints from now on; input where it has "stdin_open: true"' },
    { command: 'tsstack attach --sig-proxy=false web', does: 'Ctrl-C ends only this command' },
    { command: 'tsstack attach --index 2 --detach-keys ctrl-x web', does: 'the second replica, left with Ctrl-X' },
  ],
  run: async (context, { options, operands }) => {
    const [service, ...more] = operands;
    if (service === undefined || more.length > 0) throw new TsstackError('usage', 'attach needs one service');
    const index = countOption('index', options.index, 1);
    const detachKeys = parseDetachKeys(options['detach-keys'] ?? DEFAULT_DETACH_KEYS);
    const signals = booleanOption('sig-proxy', options['sig-proxy'] ?? 'true');
    const selector = stackSelector(context);
    const sinceMs = Date.now();
    const request: AttachRequest = { selector, service, ...(index !== undefined && { index }) };
    const target = await context.client.post<RunResult>('/v1/attach', request);
    const { logPath } = target.container;
    const from = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
    const input = !options['no-stdin'];
    const status = await takePart(context, target, { from, sinceMs, input, signals, detachKeys });
    return status === 'detached' ? EXIT.done : status;
  },
});

function booleanOption(name: string, given: string): boolean {
  if (given === 'true' || given === 'false') return given === 'true';
  throw new TsstackError('usage', `Option --${name} is true or false, got "${given}"`);
}
