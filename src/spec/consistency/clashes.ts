import { at, type Context, complain, type Place } from '../canonical/context.ts';
import type { Dict } from '../node.ts';
import { type CheckInput, dictsOf, placeOf, servicesOf } from './input.ts';
import { replicasOf } from './values.ts';

/** Two things that want the same container name or host port. */
export function checkClashes(input: CheckInput, context: Context): void {
  const names = new Map<string, string>();
  const ports = new Map<string, HostPort[]>();
  for (const { name, service, place } of servicesOf(input.enabled, context)) {
    const container = service['container_name'];
    if (typeof container === 'string') checkContainerName(container, { name, service, place }, names);
    for (const port of dictsOf(service['ports'])) checkPort(port, { name, place }, ports);
  }
}

function checkContainerName(
  container: string,
  { name, service, place }: { name: string; service: Dict; place: Place },
  names: Map<string, string>,
): void {
  const other = names.get(container);
  if (other !== undefined) {
    const message = `the services "${other}" and "${name}" have the same container_name "${container}"`;
    complain(at(place, 'container_name'), { code: 'conflict.name', message });
  }
  names.set(container, name);
  if (replicasOf(service) > 1) {
    const message = `the service "${name}" has a container_name and ${replicasOf(service)} replicas: a name is for one`;
    complain(at(place, 'container_name'), { code: 'conflict.name', message, hint: 'leave container_name out' });
  }
}

interface HostPort {
  readonly service: string;
  readonly hostIp: string;
}

/** Only single ports can clash for certain: of a range any free one is taken. */
function checkPort(port: Dict, owner: { name: string; place: Place }, ports: Map<string, HostPort[]>): void {
  const published = port['published'];
  if (typeof published !== 'string' || published.includes('-') || published === '0') return;
  const key = `${published}/${String(port['protocol']).toLowerCase()}`;
  const hostIp = typeof port['host_ip'] === 'string' ? port['host_ip'] : '';
  const taken = ports.get(key) ?? [];
  const other = taken.find((each) => overlaps(each.hostIp, hostIp));
  if (other !== undefined) {
    const who =
      other.service === owner.name
        ? `the service "${owner.name}" publishes`
        : `the services "${other.service}" and "${owner.name}" both publish`;
    const message = `${who} the host port ${key}${other.service === owner.name ? ' twice' : ''}`;
    complain(placeOf(port, at(owner.place, 'ports')), {
      code: 'conflict.port',
      message,
      hint: 'give one of them another host port',
    });
  }
  ports.set(key, [...taken, { service: owner.name, hostIp }]);
}

/** No address is all of them; `0.0.0.0` is all of IPv4, `::` all. */
function overlaps(left: string, right: string): boolean {
  const every = (address: string) => address === '' || address === '::';
  if (left === right || every(left) || every(right)) return true;
  const v4 = (address: string) => !address.includes(':');
  return (left === '0.0.0.0' && v4(right)) || (right === '0.0.0.0' && v4(left));
}
