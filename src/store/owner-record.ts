import type { ContainerSpec } from '../model/container.ts';
import type { SharedNamespace } from '../model/limits.ts';
import { shortId } from '../model/short-id.ts';
import type { ContainerRecord, Records } from './records.ts';

/**
 * The container that a namespace is shared with: with `service:NAME` the service's first replica, with `container:NAME`
 * the container of that name or short id, of any stack. undefined: there is none.
 */
export function ownerRecord(
  records: Records,
  { key }: Pick<ContainerSpec, 'key'>,
  owner: SharedNamespace,
): ContainerRecord | undefined {
  if (owner.type === 'service') return records.replica({ stack: key.stack, service: owner.service, index: 1 });
  const { container } = owner;
  return records.containers.all().find((record) => record.spec.name === container || shortId(record.key) === container);
}
