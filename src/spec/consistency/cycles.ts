import { at, type Context, complain } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import { type CheckInput, keysOf, servicesOf } from './input.ts';

/** Dependency cycles, each printed once from its first service: `a -> b -> c -> a`. */
export function checkCycles(input: CheckInput, context: Context): void {
  const edges = new Map<string, string[]>();
  for (const { name, service } of servicesOf(input.enabled, context)) {
    edges.set(
      name,
      keysOf(service['depends_on']).filter((other) => isDict(input.enabled[other])),
    );
  }
  const places = new Map(servicesOf(input.enabled, context).map((each) => [each.name, each.place]));
  for (const cycle of findCycles(edges)) {
    const [first = '', second = first] = cycle;
    const place = places.get(first);
    if (place === undefined) continue;
    const message =
      cycle.length === 1
        ? `the service "${first}" depends on itself: a cycle`
        : `dependency cycle: ${[...cycle, first].join(' -> ')}`;
    complain(at(at(place, 'depends_on'), second), { code: 'ref.cycle', message, key: true });
  }
}

/** Depth first without recursion; every back edge gives one cycle. */
function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const path = [start];
    const depths = new Map([[start, 0]]);
    const open = [[...(edges.get(start) ?? [])]];
    while (open.length > 0) {
      const next = open.at(-1)?.shift();
      if (next === undefined) {
        open.pop();
        const finished = path.pop() ?? '';
        depths.delete(finished);
        done.add(finished);
        continue;
      }
      const depth = depths.get(next);
      if (depth !== undefined) cycles.push(path.slice(depth));
      if (depth !== undefined || done.has(next)) continue;
      depths.set(next, path.length);
      path.push(next);
      open.push([...(edges.get(next) ?? [])]);
    }
  }
  return cycles;
}
