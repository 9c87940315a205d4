import type { Engine } from '../engine/engine.ts';
import { LONGEST_TIMER_MS } from '../lib/longest-timer.ts';
import { TsstackError } from '../model/error.ts';
import type { ContainerEvent } from '../model/event.ts';

export interface EventRange {
  readonly stack: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** What happens from then on is not sent, and then it ends; undefined: it goes on. */
  readonly until: number | undefined;
}

/** Sends what happened and what happens, until the function that it gives is called. */
export function followEvents(
  { machine, events }: Engine,
  { stack, since, until = Number.POSITIVE_INFINITY }: EventRange,
  send: (event: ContainerEvent) => void,
  end: () => void,
): () => void {
  const sendOne = (event: ContainerEvent): void => {
    if (event.stack === stack && event.timeMs < until) send(event);
  };
  for (const event of machine.records.events(stack, since)) sendOne(event);
  const off = events.on(sendOne);
  const notNow = until === Number.POSITIVE_INFINITY ? () => undefined : at(until, machine.now, end);
  return () => {
    off();
    notNow();
  };
}

/** Does it then, and not before; the function that it gives takes that back. */
function at(timeMs: number, now: () => number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    timer = setTimeout(
      () => (now() < timeMs ? wait() : action()),
      Math.min(Math.max(timeMs - now(), 0), LONGEST_TIMER_MS),
    );
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}

/** A time of a query, in milliseconds since the epoch. Throws `usage`. */
export function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (Number.isNaN(Number(text))) throw new TsstackError('usage', `"${text}" is no time in milliseconds`);
  return Number(text);
}
