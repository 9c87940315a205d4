import { TsstackError } from '../model/error.ts';

/** Seconds of an option as milliseconds; undefined where it was not given. Throws `usage`. */
export function secondsOption(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d+(\.\d+)?s?$/.test(given)) throw notA('number of seconds', name, given);
  return Number.parseFloat(given) * 1000;
}

/** A whole number of at least `minimum`; undefined where it was not given. Throws `usage`. */
export function countOption(name: string, given: string | undefined, minimum: number): number | undefined {
  if (given === undefined) return undefined;
  const count = Number(given);
  if (!/^\d+$/.test(given) || count < minimum) throw notA(`whole number from ${minimum}`, name, given);
  return count;
}

/** `SERVICE=N`, several; of one service the last counts. Throws `usage`. */
export function scaleOption(given: readonly string[]): Readonly<Record<string, number>> {
  const pairs = given.map((text) => {
    const [, service, count] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
    if (service === undefined) {
      throw new TsstackError('usage', `"${text}" says no number of replicas`, { hint: 'Write SERVICE=N: web=3' });
    }
    return [service, Number(count)] as const;
  });
  return Object.fromEntries(pairs);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A point in time as milliseconds since the epoch: RFC 3339 (`2026-01-02T15:04:05Z`), seconds since the epoch
 * (`1767366245.5`) or a time before now (`1h30m`). Throws `usage`.
 */
export function timeOption(name: string, given: string | undefined, nowMs: number): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(given)) return Number(given) * 1000;
  if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(given)) {
    const parts = [...given.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    return nowMs - parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ''] ?? 0), 0);
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(time)) throw notA('time (10m, 2026-01-02T15:04:05Z)', name, given);
  return time;
}

function notA(wanted: string, name: string, given: string): TsstackError {
  return new TsstackError('usage', `Option --${name} needs a ${wanted}, got "${given}"`);
}
