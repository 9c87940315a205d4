import type { ContainerSpec } from '../model/container.ts';
import type { NamespaceModes } from '../model/limits.ts';
import { sharedNamespaces } from '../model/sharing.ts';
import type { Dependency, NetworkMode } from '../model/stack.ts';
import { type Graph, withoutCycles } from './order.ts';

/** What a service or a container says about its dependencies. */
interface Dependent {
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly networkMode: NetworkMode;
  readonly namespaces: NamespaceModes;
}

const NAMESPACE_OWNER: Dependency = { condition: 'service_started', required: true, restart: false };

/**
 * `depends_on`, and the services whose namespaces are shared; by name, sorted. A network namespace outlives its processes;
 * the others are those of one run, so who shares them starts again with their owner.
 */
export function dependenciesOf(dependent: Dependent): readonly (readonly [string, Dependency])[] {
  const all = new Map(Object.entries(dependent.dependsOn));
  for (const { kind, owner } of sharedNamespaces(dependent)) {
    if (owner.type !== 'service') continue;
    const said = all.get(owner.service) ?? NAMESPACE_OWNER;
    all.set(owner.service, { ...said, restart: said.restart || kind !== 'network' });
  }
  return [...all].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Services with what they depend on, without cycles (records of different times may hold one), dependencies first. */
export function dependencyGraph(specs: Iterable<ContainerSpec>): Graph {
  const graph = new Map<string, Set<string>>();
  for (const spec of specs) {
    const needs = graph.get(spec.key.service) ?? new Set();
    graph.set(spec.key.service, needs);
    for (const [service] of dependenciesOf(spec)) needs.add(service);
  }
  const sorted = [...graph].sort(([left], [right]) => (left < right ? -1 : 1));
  return withoutCycles(new Map(sorted.map(([service, needs]) => [service, [...needs].sort()])));
}
