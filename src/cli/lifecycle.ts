import type { LifecycleRequest } from '../daemon/api.ts';
import { type Command, defineCommand, EXIT, type Example } from './command.ts';
import { secondsOption } from './numbers.ts';
import { value } from './options.ts';
import { stackSelector } from './stack-request.ts';
import { streamRequest } from './stream-request.ts';

interface Lifecycle {
  readonly name: 'start' | 'stop' | 'restart';
  readonly summary: string;
  readonly examples: readonly [Example, ...Example[]];
}

/** The commands that change whether containers run: they differ in their route only. */
export function lifecycleCommand({ name, summary, examples }: Lifecycle): Command {
  return defineCommand({
    name,
    summary,
    operands: '[SERVICE…]',
    options:
      name === 'start'
        ? {}
        : { timeout: value('t', 'SECONDS', 'Time to stop before a container is killed, instead of its own') },
    formats: ['table', 'json'],
    examples,
    run: async (context, { options, operands }) => {
      const timeoutMs = secondsOption('timeout', 'timeout' in options ? options.timeout : undefined);
      const body: Omit<LifecycleRequest, 'requestId'> = {
        selector: stackSelector(context),
        services: operands,
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      await streamRequest(context, { path: `/v1/${name}`, body });
      return EXIT.done;
    },
  });
}
