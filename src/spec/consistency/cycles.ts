import { complain } from '../canonical/context.ts';
import { dependencyPlace } from '../dependency-place.ts';
import { isDict } from '../node.ts';
import { type CheckInput, keysOf } from './input.ts';

/** Cycles beyond this number are not collected; fewer are shown. */
const mostCycles = 100;
/** Names of one cycle that are printed. */
const mostNames = 20;

/** Dependency cycles, each printed once from its first service: `a -> b -> c -> a`. */
export function checkCycles(input: CheckInput): void {
  const services = new Map(input.services.map((each) => [each.name, each]));
  const edges = new Map<string, string[]>();
  for (const { name, service } of services.values()) {
    edges.set(
      name,
      keysOf(service['depends_on']).filter((other) => isDict(input.enabled[other])),
    );
  }
  for (const cycle of findCycles(edges)) {
    const [first = '', second = first] = cycle;
    const from = services.get(first);
    if (from === undefined) continue;
    const message =
      cycle.length === 1
        ? `the service "${first}" depends on itself: a cycle`
        : `dependency cycle: ${shortened([...cycle, first]).join(' -> ')}`;
    const { place, key } = dependencyPlace(from.service, from.place, second);
    complain(place, { code: 'ref.cycle', message, hint: 'take one of these dependencies out', key });
  }
}

/** A cycle through thousands of services is shown by both its ends. */
function shortened(names: readonly string[]): readonly string[] {
  if (names.length <= mostNames) return names;
  const half = mostNames / 2;
  return [...names.slice(0, half), `(${names.length - mostNames} more)`, ...names.slice(-half)];
}

/** Depth first without recursion; every back edge gives one cycle. */
function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const start of edges.keys()) {
    if (done.has(start) || cycles.length >= mostCycles) continue;
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
      if (depth !== undefined && cycles.length < mostCycles) cycles.push(path.slice(depth));
      if (depth !== undefined || done.has(next)) continue;
      depths.set(next, path.length);
      path.push(next);
      open.push([...(edges.get(next) ?? [])]);
    }
  }
  return cycles;
}
