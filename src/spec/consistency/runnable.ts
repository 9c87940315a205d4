import { asideNames } from '../aside.ts';
import { type Context, complain, pathOf } from '../canonical/context.ts';
import type { ProblemCode } from '../diagnose.ts';
import { type Dict, entryOf, nodeAt } from '../node.ts';
import type { Origin, Source } from '../source.ts';
import type { CheckInput } from './input.ts';

/** Problems, with a place, of what a service takes from elsewhere: `extends` and `include`. */
const foreign: ReadonlySet<ProblemCode> = new Set([
  'ref.missing',
  'ref.cycle',
  'unsupported.key',
  'path.missing',
  'path.kind',
  'path.unreadable',
]);

/**
 * A service without a root of its own runs on the programs of the machine, so it must say which. Nothing is said of a
 * service with another error, nor where something could not be read that a service may extend. Must be asked before
 * other checks have complained.
 */
export function checkRunnable(input: CheckInput, context: Context): void {
  const { root, diagnostics } = context;
  const services = input.services.filter(({ service }) => !hasProgram(service));
  if (services.length === 0 || asideNames(root, 'services').length > 0) return;
  const { errors } = diagnostics;
  if (errors.some(({ code, origin }) => origin !== undefined && foreign.has(code))) return;
  const places = new Places(errors.flatMap(({ origin }) => origin ?? []));
  const idle = services.filter(({ place }) => {
    const node = nodeAt(root, pathOf(place));
    if (node === undefined || entryOf(node, 'x-rootfs') !== undefined) return false;
    return !places.someInside(node);
  });
  for (const { name, place } of idle) {
    complain(place, {
      code: 'schema.missing',
      message: `the service "${name}" has nothing to run: neither image nor build nor command`,
      hint: 'write "image: NAME", or "command: PROGRAM" to run a program of this machine',
      key: true,
    });
  }
}

/** Where errors are: a file may have thousands, and as many services to ask about. */
class Places {
  readonly #starts: ReadonlyMap<Source, readonly number[]>;

  constructor(origins: readonly Origin[]) {
    const bySource = Map.groupBy(origins, ({ source }) => source);
    const entries = [...bySource].map(([source, all]) => {
      return [source, all.map(({ start }) => start).sort((left, right) => left - right)] as const;
    });
    this.#starts = new Map(entries);
  }

  someInside({ source, start, end }: Origin): boolean {
    const starts = this.#starts.get(source) ?? [];
    let low = 0;
    for (let high = starts.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    return (starts[low] ?? Number.POSITIVE_INFINITY) < end;
  }
}

function hasProgram(service: Dict): boolean {
  if (['image', 'build', 'provider'].some((key) => service[key] !== undefined)) return true;
  return ['command', 'entrypoint'].some((key) => Array.isArray(service[key]) && service[key].length > 0);
}
