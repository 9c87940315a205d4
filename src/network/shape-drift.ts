import type { Endpoint } from '../model/container.ts';
import type { Drift } from '../model/observed.ts';
import { DIRECTIONS, describeShape, type Shape } from '../model/shape.ts';
import { isOnBridge } from './bridge-endpoint.ts';
import { rootQdisc, shaperName } from './shape.ts';

/** A queueing discipline as `tc -j qdisc show` has it. */
interface Qdisc {
  readonly kind: string;
  /** Numbers by option: times in seconds, shares from 0 to 1, bytes. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Queueing disciplines by device, the outer one first. */
export type Qdiscs = ReadonlyMap<string, readonly Qdisc[]>;

/** Reads `tc -j qdisc show`; what has not the expected form is left out. */
export function parseQdiscs(json: unknown): Qdiscs {
  const found = new Map<string, Qdisc[]>();
  for (const entry of Array.isArray(json) ? json : []) {
    const { kind, dev, root, options } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof kind !== 'string' || typeof dev !== 'string') continue;
    const qdisc = { kind, numbers: new Map(flatten(options)) };
    const list = found.get(dev) ?? [];
    found.set(dev, root === true ? [qdisc, ...list] : [...list, qdisc]);
  }
  return found;
}

/** `{"delay": {"delay": 0.08}, "limit": 5}` → `delay.delay` 0.08, `limit` 5. */
function flatten(options: unknown, prefix = ''): [string, number][] {
  if (typeof options !== 'object' || options === null) return [];
  return Object.entries(options).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number' ? [[prefix + name, value]] : flatten(value, `${prefix}${name}.`),
  );
}

/**
 * Directions that are not shaped in the kernel as they are to be. That what comes in is sent through the intermediate
 * device is taken from the `ingress` discipline, which holds the filter: to see that would cost a process for each link.
 */
export function shapeDrift(qdiscs: Qdiscs, endpoints: readonly Endpoint[]): readonly Drift[] {
  return endpoints.filter(isOnBridge).flatMap((endpoint) => {
    const { hostInterface, shape } = endpoint;
    return DIRECTIONS.flatMap((direction): Drift[] => {
      const wanted = shape?.[direction];
      if (wanted === undefined) return [];
      const outbound = direction === 'outbound';
      const device = outbound ? shaperName(hostInterface) : hostInterface;
      const redirected = !outbound || (qdiscs.get(hostInterface) ?? []).some(({ kind }) => kind === 'ingress');
      const present = (qdiscs.get(device) ?? []).filter(({ kind }) => kind !== 'ingress');
      if (redirected && isAs(present, wanted, endpoint)) return [];
      const message = `${hostInterface} is not shaped ${direction}: ${describeShape(wanted)}`;
      return [{ kind: 'shape', message }];
    });
  });
}

function isAs(present: readonly Qdisc[], wanted: Shape, endpoint: Endpoint): boolean {
  const expected = rootQdisc(wanted, endpoint);
  if (present.length !== expected.length) return false;
  return expected.every((words, index) => {
    const { kind, numbers } = present[index] ?? { kind: '', numbers: new Map<string, number>() };
    if (words[0] !== kind) return false;
    return numbersOf(kind, words, wanted).every(([name, value]) => near(numbers.get(name) ?? 0, value));
  });
}

/** What `tc -j` is to say of them. */
function numbersOf(kind: string, words: readonly string[], wanted: Shape): readonly [string, number][] {
  const word = (name: string): number => Number(words[words.indexOf(name) + 1]);
  if (kind === 'tbf') {
    return [
      ['rate', (wanted.rateBits ?? 0) / 8],
      ['burst', word('burst')],
    ];
  }
  return [
    ['limit', word('limit')],
    ['delay.delay', (wanted.delayUs ?? 0) / 1e6],
    ['delay.jitter', (wanted.jitterUs ?? 0) / 1e6],
    ['loss-random.loss', (wanted.lossPercent ?? 0) / 100],
    ['reorder.reorder', (wanted.reorderPercent ?? 0) / 100],
    ['duplicate.duplicate', (wanted.duplicatePercent ?? 0) / 100],
    ['corrupt.corrupt', (wanted.corruptPercent ?? 0) / 100],
  ];
}

/** The kernel counts in ticks of 64 ns, shares in 2^32nds, and tc prints six digits. */
function near(left: number, right: number): boolean {
  return Math.abs(left - right) <= Math.max(1e-6, 0.005 * Math.abs(right));
}
