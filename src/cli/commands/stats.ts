import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerSummary } from '../../daemon/api.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { untilInterrupted } from '../interrupts.ts';
import { flag } from '../options.ts';
import { type ContainerStats, renderStats, type Sample, statsOf } from '../views/stats.ts';

/** Between two looks, whose difference is the CPU usage; as often as Docker looks. */
const INTERVAL_MS = 1000;
/** Home, and erase what is below. */
const CLEAR = '\u001B[H\u001B[2J\u001B[3J';

/** `tsstack stats`. */
export const command = defineCommand({
  name: 'stats',
  summary: 'Show what containers use: CPU, memory, network, I/O, processes, pressure; until Ctrl-C',
  operands: '[SERVICE…]',
  options: {
    all: flag('a', 'Also containers that do not run'),
    'no-stream': flag('', 'Once'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack stats', does: 'a table, new every second' },
    { command: 'tsstack stats --no-stream --format json web', does: 'one service once, for scripts' },
  ],
  run: async (context, { options, operands }) => {
    await untilInterrupted((signal) =>
      show(context, operands, { once: options['no-stream'], all: options.all, signal }),
    );
    return EXIT.done;
  },
});

interface Looking {
  readonly once: boolean;
  /** Also what does not run. */
  readonly all: boolean;
  readonly signal: AbortSignal;
}

async function show(context: Context, services: readonly string[], { once, all, signal }: Looking): Promise<void> {
  let before = await sample(context, services, all);
  do {
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    // Where the daemon has ended nothing runs, and none is started to say so.
    const alive = (await context.client.getIfRunning('/v1/version')) !== undefined;
    const now = alive ? await sample(context, services, all) : ended(before, all);
    print(context, statsOf(before, now), once);
    before = now;
  } while (!once);
}

async function sample(context: Context, services: readonly string[], all: boolean): Promise<Sample> {
  const containers: readonly ContainerSummary[] = await listContainers(context, services);
  return { atMs: performance.now(), containers: containers.filter(({ usage }) => all || usage !== undefined) };
}

/** The same containers when none of them runs. */
function ended({ containers }: Sample, all: boolean): Sample {
  const idle = containers.map(({ usage: _usage, ...rest }) => rest);
  return { atMs: performance.now(), containers: all ? idle : [] };
}

/** JSON is one list a look; a table on a terminal takes the place of the last one. */
function print({ out, format }: Context, stats: readonly ContainerStats[], once: boolean): void {
  if (format === 'json') out.write(`${JSON.stringify(stats, undefined, once ? 2 : undefined)}\n`);
  else out.write(`${out.isTerminal && !once ? CLEAR : ''}${renderStats(stats)}`);
}
