import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEvent } from '../../daemon/api.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { untilInterrupted } from '../interrupts.ts';
import { timeOption } from '../numbers.ts';
import { value } from '../options.ts';
import { stackName } from '../stack-name.ts';

/** How often it is looked whether a daemon runs again. */
const AGAIN_MS = 500;

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
 * which knows what happened meanwhile. One is started for us again only where an answer was broken off and nothing more
 * is waited for.
 */
async function follow(
  context: Context,
  { stack, services, sinceMs, untilMs }: Wanted,
  interrupted: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => untilMs !== undefined && Date.now() >= untilMs;
  /** The last millisecond of which something was told, and how much of it. */
  let last = { timeMs: Math.floor(sinceMs), told: 0 };
  for (;;) {
    let again = last.told;
    let isWhole = false;
    const whole = (): void => {
      isWhole = true;
    };
    for await (const event of context.client.events(stack, last.timeMs, interrupted, { untilMs, whole })) {
      if (event.timeMs === last.timeMs && again > 0) {
        again -= 1;
        continue;
      }
      if (event.timeMs > last.timeMs) last = { timeMs: event.timeMs, told: 0 };
      if (event.timeMs === last.timeMs) last.told += 1;
      const place = placeOf(event);
      if (services.length === 0 || services.includes(place.service)) print(context, event, place);
    }
    if (interrupted.aborted || (isWhole && isOver())) return;
    const isThere = await nextDaemon(context, isOver, interrupted);
    if (interrupted.aborted || (isWhole && !isThere)) return;
  }
}

/** Waits for a daemon that answers, or for the end; gives whether there is one. */
async function nextDaemon({ client }: Context, isOver: () => boolean, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    await delay(isOver() ? 0 : AGAIN_MS, undefined, { signal }).catch(() => undefined);
    if ((await client.getIfRunning('/v1/version')) !== undefined) return true;
    if (signal.aborted || isOver()) return false;
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
