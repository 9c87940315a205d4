import { DIRECTIONS, type LinkShape, type Shape } from '../model/shape.ts';
import { parseDuration } from './duration.ts';
import { type Dict, isDict, type Value } from './node.ts';

const RATE_UNITS = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const;
const LEAST_RATE = 1e3;
const MOST_RATE = 100e9;
const MOST_DELAY_US = 60e6;
const MOST_PACKETS = 1_000_000;

/** What a key may say, for a hint. */
const ALLOWED = {
  rate: 'write a number and bit, kbit, mbit or gbit, such as 10mbit: from 1kbit to 100gbit',
  duration: 'write a duration from 0s to 1m, such as 80ms or 1.5s',
  percent: 'write a percentage from 0% to 100%, such as 1% or 0.5%',
  packets: `write a number of packets from 1 to ${MOST_PACKETS}`,
} as const;

type Kind = keyof typeof ALLOWED;

const KEYS: Readonly<Record<string, { readonly kind: Kind; readonly field: keyof Shape }>> = {
  rate: { kind: 'rate', field: 'rateBits' },
  delay: { kind: 'duration', field: 'delayUs' },
  jitter: { kind: 'duration', field: 'jitterUs' },
  loss: { kind: 'percent', field: 'lossPercent' },
  reorder: { kind: 'percent', field: 'reorderPercent' },
  duplicate: { kind: 'percent', field: 'duplicatePercent' },
  corrupt: { kind: 'percent', field: 'corruptPercent' },
  limit: { kind: 'packets', field: 'limitPackets' },
};

/** Something wrong with one value: `path` leads to it from the value of `x-shape`. */
export interface ShapeProblem {
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/**
 * The value of an `x-shape`, or the options of a command in the same words. Keys outside of `outbound` and `inbound` hold
 * for both; what a direction says itself comes before them. Zeros are as good as absent.
 */
export function parseLinkShape(value: Dict): { readonly shape: LinkShape; readonly problems: readonly ShapeProblem[] } {
  const problems: ShapeProblem[] = [];
  const both = parseKeys(value, [], problems);
  const shape = Object.fromEntries(
    DIRECTIONS.flatMap((direction) => {
      const own = value[direction];
      const keys = { ...both, ...(isDict(own) ? parseKeys(own, [direction], problems) : {}) };
      checkDelay(keys, [...(isDict(own) ? [direction] : [])], problems);
      const said = Object.entries(keys).filter(([, number]) => number !== 0);
      // A limit alone does nothing to packets.
      return said.some(([field]) => field !== 'limitPackets') ? [[direction, Object.fromEntries(said)]] : [];
    }),
  );
  return { shape, problems: unique(problems) };
}

type Keys = { readonly [Field in keyof Shape]?: number };

function parseKeys(from: Dict, path: readonly string[], problems: ShapeProblem[]): Keys {
  const found: Record<string, number> = {};
  for (const [key, { kind, field }] of Object.entries(KEYS)) {
    const value = from[key];
    if (value === undefined || value === null) continue;
    const number = parseValue(kind, value);
    if (number !== undefined) found[field] = number;
    else
      problems.push({
        path: [...path, key],
        message: `x-shape: ${key} cannot be ${JSON.stringify(value)}`,
        hint: ALLOWED[kind],
      });
  }
  return found;
}

function parseValue(kind: Kind, value: Value): number | undefined {
  const text = String(value);
  switch (kind) {
    case 'rate': {
      const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(bit|kbit|mbit|gbit)$/.exec(text) ?? [];
      const bits = Math.round(Number(number || Number.NaN) * RATE_UNITS[unit as keyof typeof RATE_UNITS]);
      return bits >= LEAST_RATE && bits <= MOST_RATE ? bits : undefined;
    }
    case 'duration': {
      const nanoseconds = parseDuration(text);
      const us = nanoseconds === undefined ? -1 : Number(nanoseconds / 1000n);
      return us >= 0 && us <= MOST_DELAY_US ? us : undefined;
    }
    case 'percent': {
      const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? Number.NaN);
      return percent <= 100 ? percent : undefined;
    }
    case 'packets': {
      const packets = /^\d+$/.test(text) ? Number(text) : 0;
      return packets >= 1 && packets <= MOST_PACKETS ? packets : undefined;
    }
  }
}

/** netem varies a delay, and sends packets before others that it delays. */
function checkDelay(keys: Keys, path: readonly string[], problems: ShapeProblem[]): void {
  for (const [key, value] of [
    ['jitter', keys.jitterUs],
    ['reorder', keys.reorderPercent],
  ] as const) {
    if (!value || keys.delayUs || problems.some((problem) => problem.path.at(-1) === 'delay')) continue;
    problems.push({ path, message: `x-shape: ${key} needs a delay`, hint: 'write delay as well, such as delay: 80ms' });
  }
  if ((keys.jitterUs ?? 0) > (keys.delayUs ?? Number.POSITIVE_INFINITY)) {
    problems.push({ path, message: 'x-shape: the jitter is longer than the delay', hint: 'write a longer delay' });
  }
}

/** What both directions have from the keys that they share is said once. */
function unique(problems: readonly ShapeProblem[]): readonly ShapeProblem[] {
  return [...new Map(problems.map((problem) => [`${problem.path.join('.')} ${problem.message}`, problem])).values()];
}
