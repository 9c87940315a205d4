import { containerAddress } from '../model/address.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { WaitFor } from '../model/plan.ts';
import { dependenciesOf } from './dependencies.ts';
import type { Findings } from './findings.ts';

/** Containers of each service, by service name. */
export type Replicas = ReadonlyMap<string, readonly ContainerSpec[]>;

export function replicasOf(specs: Iterable<ContainerSpec>): Replicas {
  const replicas = new Map<string, ContainerSpec[]>();
  for (const spec of specs) {
    const list = replicas.get(spec.key.service);
    if (list === undefined) replicas.set(spec.key.service, [spec]);
    else list.push(spec);
  }
  return replicas;
}

/** Conditions of a container's start; a service without containers has none. */
export function waitsOf(spec: ContainerSpec, replicas: Replicas): readonly WaitFor[] {
  return dependenciesOf(spec).flatMap(([service, { condition, required }]) => {
    const indexes = (replicas.get(service) ?? []).map(({ key }) => key.index).sort((left, right) => left - right);
    return indexes.length === 0 ? [] : { service, replicas: indexes, condition, required };
  });
}

/** What depends on what isn't there, or waits for what can't come. Once a service. */
export function checkDependencies(replicas: Replicas, known: ReadonlySet<string>, findings: Findings): void {
  for (const [service, [spec]] of replicas) {
    if (spec === undefined) continue;
    const address = containerAddress(service, spec.key.index);
    for (const [dependency, { condition, required }] of dependenciesOf(spec)) {
      const [target] = replicas.get(dependency) ?? [];
      if (!known.has(dependency)) {
        const message = `Service "${service}" depends on "${dependency}", which is not there or not enabled`;
        if (!required) findings.warnings.push(`${message}; it is started without.`);
        else findings.conflicts.push({ address, message, hint: `Correct services.${service}.depends_on.` });
      } else if (condition === 'service_healthy' && target !== undefined && target.healthcheck === undefined) {
        const message = `Service "${service}" waits for "${dependency}" to be healthy, but "${dependency}" has no healthcheck`;
        const hint = `Set services.${dependency}.healthcheck or x-ready, or condition: service_started.`;
        if (!required) findings.warnings.push(`${message}; it does not wait.`);
        else findings.conflicts.push({ address, message, hint });
      }
    }
  }
}
