import type { ContainerSpec } from '../model/container.ts';
import type { Dependency, NetworkMode } from '../model/stack.ts';
import { type Graph, withoutCycles } from './order.ts';

/** What a service or a container says about its dependencies. */
interface Dependent {
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly networkMode: NetworkMode;
}

const NAMESPACE_OWNER: Dependency = { condition: 'service_started', required: true, restart: false };

/** `depends_on`, and the service whose network namespace is shared; by name, sorted. */
export function dependenciesOf(dependent: Dependent): readonly (readonly [string, Dependency])[] {
  const all = new Map(Object.entries(dependent.dependsOn));
  const { networkMode } = dependent;
  if (networkMode.type === 'service' && !all.has(networkMode.service)) all.set(networkMode.service, NAMESPACE_OWNER);
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
