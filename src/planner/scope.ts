import { containerAddress } from '../model/address.ts';
import type { Service, Stack } from '../model/stack.ts';
import { dependenciesOf } from './dependencies.ts';
import type { Findings } from './findings.ts';
import { member } from './record.ts';

export interface Scope {
  /** Services that the plan is about, names sorted. */
  readonly services: readonly Service[];
  /** Services that the user named, or all. */
  readonly named: ReadonlySet<string>;
  /** Nothing was left out. */
  readonly complete: boolean;
}

/** The services named and, unless `noDeps`, all that they depend on. None named: all. */
export function selectServices(
  stack: Stack,
  options: { readonly services: readonly string[]; readonly noDeps: boolean },
  findings: Findings,
): Scope {
  if (options.services.length === 0) {
    const services = Object.values(stack.services).sort(byName);
    return { services, named: new Set(services.map((service) => service.name)), complete: true };
  }
  const chosen = new Map<string, Service>();
  const queue = [...options.services];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const service = member(stack.services, name);
    if (chosen.has(name)) continue;
    if (service === undefined) {
      if (options.services.includes(name)) findings.conflicts.push(unknownService(name, Object.keys(stack.services)));
      continue;
    }
    chosen.set(name, service);
    if (!options.noDeps) queue.push(...dependenciesOf(service).map(([dependency]) => dependency));
  }
  return { services: [...chosen.values()].sort(byName), named: new Set(options.services), complete: false };
}

/** The conflict of a service that was named but is not there. */
export function unknownService(name: string, known: readonly string[]): Findings['conflicts'][number] {
  return {
    address: containerAddress(name, 1),
    message: `There is no service "${name}"`,
    hint: known.length === 0 ? 'The stack has no services.' : `Services: ${[...known].sort().join(', ')}.`,
  };
}

function byName(left: Service, right: Service): number {
  return left.name < right.name ? -1 : 1;
}
