import type { HostOp } from '../host/op.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Endpoint, PublishedPort } from '../model/container.ts';
import { withoutPrefix } from './cidr.ts';
import { addElements, deleteElements, type Element } from './nft.ts';

/** nft elements that send the host's ports to the container: also from the host itself by 127.0.0.1. */
export function publishPorts(
  _key: ContainerKey,
  ports: readonly PublishedPort[],
  endpoints: readonly Endpoint[],
): readonly HostOp[] {
  return addElements(portElements(ports, endpoints));
}

/** Take back `publishPorts()`, called with the same ports and endpoints. */
export function unpublishPorts(
  _key: ContainerKey,
  ports: readonly PublishedPort[],
  endpoints: readonly Endpoint[],
): readonly HostOp[] {
  return deleteElements(portElements(ports, endpoints));
}

/**
 * Where published ports lead, as `NetworkState.publishedPorts` shows it: `tcp 127.0.0.1 8080` → `10.1.2.3 80`. `*` stands
 * for all IPv4 addresses of the host, `::` for all IPv6 ones, which only containers with an IPv6 address get.
 */
export function portTargets(
  ports: readonly PublishedPort[],
  endpoints: readonly Endpoint[],
): ReadonlyMap<string, string> {
  const ipv4 = targetAddress(endpoints, 4);
  const ipv6 = targetAddress(endpoints, 6);
  const targets = new Map<string, string>();
  for (const { protocol, hostIp, hostPort, containerPort } of ports) {
    const any = hostIp === undefined || hostIp === '0.0.0.0' || hostIp === '::';
    const wants4 = hostIp === undefined || !hostIp.includes(':');
    const wants6 = hostIp === undefined || hostIp.includes(':');
    if (wants4 && ipv4 !== undefined)
      targets.set(`${protocol} ${any ? '*' : hostIp} ${hostPort}`, `${ipv4} ${containerPort}`);
    if (wants6 && ipv6 !== undefined)
      targets.set(`${protocol} ${any ? '::' : hostIp} ${hostPort}`, `${ipv6} ${containerPort}`);
  }
  return targets;
}

/** The address to send a published port to: on the network of the default route, by which the answers leave. */
function targetAddress(endpoints: readonly Endpoint[], family: 4 | 6): string | undefined {
  const address = (endpoint: Endpoint) => (family === 4 ? endpoint.ipv4 : endpoint.ipv6);
  const gateway = (endpoint: Endpoint) => (family === 4 ? endpoint.gateway4 : endpoint.gateway6);
  const usable = endpoints.filter((endpoint) => address(endpoint) !== undefined);
  const chosen = usable.find((endpoint) => gateway(endpoint) !== undefined) ?? usable[0];
  const cidr = chosen === undefined ? undefined : address(chosen);
  return cidr === undefined ? undefined : withoutPrefix(cidr);
}

function portElements(ports: readonly PublishedPort[], endpoints: readonly Endpoint[]): readonly Element[] {
  return [...portTargets(ports, endpoints)].map(([from, to]) => portElement(from, to));
}

/** An entry of `portTargets()` or of `NetworkState.publishedPorts` as nft has it. */
function portElement(from: string, to: string): Element {
  const [protocol = '', hostIp = '', hostPort = ''] = from.split(' ');
  const [address = '', port = ''] = to.split(' ');
  const map = address.includes(':') ? 'ports6' : 'ports4';
  if (hostIp === '*' || hostIp === '::') {
    return { set: map, text: `${protocol} . ${hostPort} : ${address} . ${port}` };
  }
  return { set: `${map}_at`, text: `${hostIp} . ${protocol} . ${hostPort} : ${address} . ${port}` };
}

/** Ports and where they lead. */
interface Published {
  readonly ports: readonly PublishedPort[];
  readonly endpoints: readonly Endpoint[];
}

/**
 * Makes published ports lead to another container in one transaction: every new connection finds one or the other, and
 * those that there are stay where they began. `published`: the entries of the kernel (`NetworkState.publishedPorts`).
 */
export function switchPorts(published: ReadonlyMap<string, string>, from: Published, to: Published): readonly HostOp[] {
  const targets = portTargets(to.ports, to.endpoints);
  const gone = [...portTargets(from.ports, from.endpoints)].filter(([key, target]) => published.get(key) === target);
  const taken = [...targets.keys()].flatMap((key) => {
    const present = published.get(key);
    return present === undefined ? [] : [[key, present] as const];
  });
  const stale = new Map([...gone, ...taken].filter(([key, target]) => targets.get(key) !== target));
  const script = [
    ...deleteElements([...stale].map(([key, target]) => portElement(key, target))),
    ...addElements([...targets].map(([key, target]) => portElement(key, target))),
  ].map((op) => ('script' in op ? op.script : ''));
  return script.length === 0 ? [] : [{ op: 'nft', script: script.join('') }];
}

/**
 * Takes away entries of the kernel (`NetworkState.publishedPorts`) that send one of these ports elsewhere: nft refuses
 * to give a key of a map another value. For repairing what a crash left; does nothing where all is well.
 */
export function clearStalePorts(
  published: ReadonlyMap<string, string>,
  ports: readonly PublishedPort[],
  endpoints: readonly Endpoint[],
): readonly HostOp[] {
  const stale: Element[] = [];
  for (const [from, to] of portTargets(ports, endpoints)) {
    const present = published.get(from);
    if (present !== undefined && present !== to) stale.push(portElement(from, present));
  }
  return deleteElements(stale);
}
