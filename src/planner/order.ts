import type { Step, StepId } from '../model/plan.ts';

/** A directed graph by name: who needs whom. */
export type Graph = ReadonlyMap<string, readonly string[]>;

export interface Walk {
  /** Every node, what it needs before it. */
  readonly order: readonly string[];
  /** Edges that close a cycle, as `[from, to]`; without them the graph is acyclic. */
  readonly backEdges: readonly (readonly [string, string])[];
}

/** Depth-first, nodes and edges in the order given; names that are no node are skipped. Linear, and deep chains are fine. */
export function walkGraph(graph: Graph): Walk {
  const state = new Map<string, 'open' | 'done'>();
  const order: string[] = [];
  const backEdges: (readonly [string, string])[] = [];
  for (const root of graph.keys()) {
    if (state.has(root)) continue;
    const stack = [{ node: root, next: 0 }];
    state.set(root, 'open');
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const needed = graph.get(frame.node)?.[frame.next];
      frame.next += 1;
      if (needed === undefined) {
        state.set(frame.node, 'done');
        order.push(frame.node);
        stack.pop();
      } else if (state.get(needed) === 'open') {
        backEdges.push([frame.node, needed]);
      } else if (!state.has(needed) && graph.has(needed)) {
        state.set(needed, 'open');
        stack.push({ node: needed, next: 0 });
      }
    }
  }
  return { order, backEdges };
}

/** The graph without the edges that close a cycle, its nodes in topological order. */
export function withoutCycles(graph: Graph): Graph {
  const { order, backEdges } = walkGraph(graph);
  const dropped = new Set(backEdges.map(([from, to]) => `${from}\0${to}`));
  return new Map(
    order.map((node) => [
      node,
      (graph.get(node) ?? []).filter((needed) => graph.has(needed) && !dropped.has(`${node}\0${needed}`)),
    ]),
  );
}

/** Every edge turned round, nodes in the opposite order. */
export function reversed(graph: Graph): Graph {
  const result = new Map<string, string[]>([...graph.keys()].reverse().map((node) => [node, []]));
  for (const [node, needs] of graph) for (const needed of needs) result.get(needed)?.push(node);
  return result;
}

/**
 * What a node must really wait for: the steps of each service that it needs; where a service has no step, what that
 * service in turn needs. So a web server starts after the database although the finished migration between them has
 * nothing to do. `graph` is acyclic, its nodes in topological order.
 */
export function anchors(
  graph: Graph,
  stepsOf: (service: string) => readonly StepId[],
): ReadonlyMap<string, readonly StepId[]> {
  const waits = new Map<string, readonly StepId[]>();
  for (const [node, needs] of graph) {
    const steps = new Set<StepId>();
    for (const needed of needs) {
      const own = stepsOf(needed);
      for (const step of own.length > 0 ? own : (waits.get(needed) ?? [])) steps.add(step);
    }
    waits.set(node, [...steps]);
  }
  return waits;
}

/** Steps in topological order, otherwise in the order given. Dependencies on steps that are not there are dropped. */
export function sortSteps(steps: readonly Step[]): readonly Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  if (byId.size !== steps.length) throw new Error('two steps of one plan have the same id');
  const linked = new Map<StepId, Step>();
  for (const step of steps) {
    const dependsOn = [...new Set(step.dependsOn)].filter((id) => byId.has(id)).sort();
    linked.set(step.id, { ...step, dependsOn });
  }
  const { order, backEdges } = walkGraph(new Map([...linked].map(([id, step]) => [id, step.dependsOn])));
  const [cycle] = backEdges;
  if (cycle !== undefined) throw new Error(`steps wait for each other: "${cycle[0]}" and "${cycle[1]}"`);
  return order.flatMap((id) => linked.get(id) ?? []);
}
