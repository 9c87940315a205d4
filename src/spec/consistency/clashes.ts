import { at, complain } from '../canonical/context.ts';
import { type CheckInput, checkServices, type ServiceAt } from './input.ts';
import { replicasOf } from './values.ts';

/** Containers that want the same name. */
export function checkClashes(input: CheckInput): void {
  const names = new Map<string, string>();
  checkServices(input, [{ keys: ['container_name'], check: (each) => checkContainerName(each, names) }]);
}

function checkContainerName({ name, service, place }: ServiceAt, names: Map<string, string>): void {
  const { container_name: container } = service;
  if (typeof container !== 'string') return;
  const where = at(place, 'container_name');
  const other = names.get(container);
  if (other !== undefined) {
    const message = `the services "${other}" and "${name}" have the same container_name "${container}"`;
    const hint = 'give one of them another name, or leave container_name out';
    complain(where, { code: 'conflict.name', message, hint });
  }
  names.set(container, name);
  const replicas = replicasOf(service);
  if (replicas <= 1) return;
  const message = `the service "${name}" has a container_name and ${replicas} replicas: a name is for one`;
  complain(where, { code: 'conflict.name', message, hint: 'leave container_name out' });
}
