import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerSummary, DownRequest, DownResult } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand } from '../command.ts';
import { listContainers } from '../containers.ts';
import { flag } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';

/** Status of one that was lost with the machine, or removed before anybody saw it. */
const UNKNOWN_STATUS = 1;
/** A daemon that ends again and again is not asked busily. */
const AGAIN_MS = 100;

/** `tsstack wait`. */
export const command = defineCommand({
  name: 'wait',
  summary: 'Wait until containers have ended, and end with the status of the first that did',
  operands: '[SERVICE…]',
  options: { 'down-project': flag('', 'Then take the stack down') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack wait tests', does: 'its exit status is that of the tests' },
    { command: 'tsstack wait --down-project tests', does: 'and nothing is left of the stack' },
  ],
  run: async (context, { options, operands }) => {
    const status = await untilEnded(context, operands);
    if (options['down-project']) {
      const body: Omit<DownRequest, 'requestId'> = {
        selector: stackSelector(context),
        removeVolumes: false,
        removeOrphans: true,
      };
      await streamRequest<DownResult>(context, { path: '/v1/down', body });
    }
    return status;
  },
});

/** Says of each container how it ended, as soon as it has; one that its policy starts again has not. */
async function untilEnded(context: Context, services: readonly string[]): Promise<number> {
  const ended = new Map<string, ContainerSummary>();
  for (;;) {
    const sinceMs = Date.now();
    const containers = await listContainers(context, services);
    const stack = containers[0]?.stack;
    if (stack === undefined) {
      if (ended.size > 0) break;
      throw new TsstackError('not-found', 'The stack has no containers', { hint: 'Run "tsstack up" first' });
    }
    for (const container of containers) {
      if (container.status !== 'exited' || ended.has(container.name)) continue;
      ended.set(container.name, container);
      print(context, container);
    }
    if (containers.every(({ status }) => status === 'exited' || status === 'created')) break;
    await nextEnd(context, stack, sinceMs);
  }
  const [first] = [...ended.values()].sort((left, right) => (left.finishedAtMs ?? 0) - (right.finishedAtMs ?? 0));
  if (first !== undefined) return first.exitCode ?? UNKNOWN_STATUS;
  throw new TsstackError('not-running', 'No container was started that could end', { hint: 'Run: tsstack start' });
}

/** Resolves when something has ended or was removed, or when the daemon has ended. */
async function nextEnd({ client }: Context, stack: string, sinceMs: number): Promise<void> {
  const leave = new AbortController();
  for await (const { event } of client.events(stack, sinceMs, leave.signal)) {
    if (event === 'exit' || event === 'remove' || event === 'stop') return leave.abort();
  }
  await delay(AGAIN_MS);
}

function print({ out, format }: Context, { name, service, index, exitCode }: ContainerSummary): void {
  if (format === 'json') out.write(`${JSON.stringify({ name, service, index, exitCode })}\n`);
  else out.write(`container "${name}" exited with status code ${exitCode ?? '?'}\n`);
}
