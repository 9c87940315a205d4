import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEvent } from '../../daemon/api.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { untilInterrupted } from '../interrupts.ts';
import { timeOption } from '../numbers.ts';
import { value } from '../options.ts';
import { stackName } from '../stack-name.ts';

/** How often it is looked whether a daemon runs again. */
const AGAIN_MS = 500;

/** How long what happened before `--until` may be on its way to us, once the daemon tells. */
const LATE_MS = 200;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `tsstack events`. */
export const command = defineCommand({
  name: 'events',
  summary: 'Show what happens to containers, until Ctrl-C',
  operands: '[SERVICE…]',
  options: {
    since: value('', 'TIME', 'Also what happened since then: 10m, 2026-01-02T15:04:05Z'),
    until: value('', 'TIME', 'Only what happens before then, and end'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack events', does: 'starts, ends, restarts, health, … as they come' },
    { command: 'tsstack events --since 1h web', does: 'also the last hour, of one service' },
    { command: 'tsstack events --json', does: 'one JSON object a line, with the fields that Compose prints' },
  ],
  run: async (context, { options, operands }) => {
    const now = Date.now();
    const untilMs = timeOption('until', options.until, now);
    const sinceMs = timeOption('since', options.since, now) ?? now;
    await untilInterrupted(async (interrupted) => {
      const stack = await stackName(context);
      await follow(context, { stack, services: operands, sinceMs, untilMs }, interrupted);
    });
    return EXIT.done;
  },
});

interface Wanted {
  readonly stack: string;
  /** Empty: all. */
  readonly services: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number | undefined;
}

/**
 * A daemon ends when nothing is left to supervise, and what we wait for may come after that: we go on with the next one,
 * which knows what happened meanwhile. None is started for us again.
 */
async function follow(
  context: Context,
  { stack, services, sinceMs, untilMs }: Wanted,
  interrupted: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const begun = (): void => {
    if (untilMs === undefined) return;
    const leftMs = Math.max(untilMs - Date.now(), 0) + LATE_MS;
    setTimeout(() => over.abort(), Math.min(leftMs, LONGEST_TIMER_MS)).unref();
  };
  const signal = AbortSignal.any([interrupted, over.signal]);
  let next = sinceMs;
  while (!signal.aborted) {
    for await (const event of context.client.events(stack, Math.floor(next), signal, begun)) {
      if (untilMs !== undefined && event.timeMs >= untilMs) return;
      next = Math.max(next, event.timeMs + 1);
      const place = placeOf(event);
      if (services.length === 0 || services.includes(place.service)) print(context, event, place);
    }
    do await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted && (await context.client.getIfRunning('/v1/version')) === undefined);
  }
}

interface Place {
  readonly service: string;
  /** Replica. */
  readonly index: string;
}

/** `service.web[1]`. */
function placeOf({ address }: ContainerEvent): Place {
  const [, service = address, index = ''] = /^service\.(.+)\[([0-9]+)\]$/.exec(address) ?? [];
  return { service, index };
}

function print({ out, format }: Context, event: ContainerEvent, { service, index }: Place): void {
  const { timeMs, event: action, address: id } = event;
  const time = new Date(timeMs).toISOString();
  const attributes = attributesOf(event);
  if (format === 'json') {
    out.write(
      `${JSON.stringify({ time, type: 'container', service, index: Number(index), id, action, attributes })}\n`,
    );
    return;
  }
  const pairs = Object.entries(attributes).map(([name, text]) => `${name}=${text}`);
  out.write(`${time} container ${action} ${id}${pairs.length === 0 ? '' : ` (${pairs.join(', ')})`}\n`);
}

function attributesOf({
  name,
  image,
  exitCode,
  signal,
  restarts,
  health,
  detail,
}: ContainerEvent): Readonly<Record<string, string>> {
  return {
    ...(name !== undefined && { name }),
    ...(image !== undefined && { image }),
    ...(exitCode !== undefined && { exitCode: String(exitCode) }),
    ...(signal !== undefined && { signal }),
    ...(restarts !== undefined && { restarts: String(restarts) }),
    ...(health !== undefined && { health }),
    ...(detail !== undefined && { detail }),
  };
}
