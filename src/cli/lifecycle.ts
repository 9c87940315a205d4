import type { LifecycleRequest } from '../daemon/api.ts';
import { type Command, defineCommand, EXIT, type Example } from './command.ts';
import { secondsOption } from './numbers.ts';
import { flag, type Options, type Values, value } from './options.ts';
import { stackSelector } from './stack-request.ts';
import { streamRequest } from './stream-request.ts';
import { WAIT_OPTIONS, waitRequest } from './up-options.ts';

interface Lifecycle {
  readonly name: 'start' | 'stop' | 'restart';
  readonly summary: string;
  readonly examples: readonly [Example, ...Example[]];
}

const STOP_OPTIONS = {
  timeout: value('t', 'SECONDS', 'Time to stop before a container is killed, instead of its own'),
} satisfies Options;

const RESTART_OPTIONS = {
  ...STOP_OPTIONS,
  'no-deps': flag('', 'Not the services that ask to be restarted with those'),
} satisfies Options;

const OPTIONS = { start: WAIT_OPTIONS, stop: STOP_OPTIONS, restart: RESTART_OPTIONS } satisfies Record<
  Lifecycle['name'],
  Options
>;

/** What any of them may have been given. */
type Given = Partial<Values<typeof WAIT_OPTIONS & typeof RESTART_OPTIONS>>;

/** The commands that change whether containers run: they differ in their route and options. */
export function lifecycleCommand({ name, summary, examples }: Lifecycle): Command {
  return defineCommand<Options>({
    name,
    summary,
    operands: '[SERVICE…]',
    options: OPTIONS[name],
    formats: ['table', 'json'],
    examples,
    run: async (context, { options, operands }) => {
      const given = options as Given;
      const timeoutMs = secondsOption('timeout', given.timeout);
      const waiting = waitRequest({ wait: given.wait === true, 'wait-timeout': given['wait-timeout'] });
      const body: Omit<LifecycleRequest, 'requestId'> = {
        selector: stackSelector(context),
        services: operands,
        noDeps: given['no-deps'] === true,
        ...waiting,
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      await streamRequest(context, { path: `/v1/${name}`, body });
      return EXIT.done;
    },
  });
}
