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
  const ipv4 = targetAddress(endpoints, 4, 'nat');
  const ipv6 = targetAddress(endpoints, 6, 'nat');
  const targets = new Map<string, string>();
  for (const { protocol, hostIp, hostPort, containerPort } of ports) {
    const any = hostIp === undefined || hostIp === '0.0.0.0' || hostIp === '::';
    const wants4 = hostIp === undefined || !hostIp.includes(':');
    const wants6 = hostIp === undefined || hostIp.includes(':');
    if (wants4 && ipv4 !== undefined)
      targets.set(`${protocol} ${any ? '*' : hostIp} ${hostPort}`, `${ipv4} ${containerPort}`);
    // The kernel lets no packet from ::1 leave the loopback interface: see `relayTargets()`.
    if (wants6 && ipv6 !== undefined && hostIp !== LOOPBACK6)
      targets.set(`${protocol} ${any ? '::' : hostIp} ${hostPort}`, `${ipv6} ${containerPort}`);
  }
  return targets;
}

/** The endpoint to send a published port to: on a bridge, that of the network of the default route, by which the answers leave. */
export function publishingEndpoint(endpoints: readonly Endpoint[], family: 4 | 6): Endpoint | undefined {
  const usable = endpoints.filter(
    ({ bridge, ...endpoint }) => bridge !== undefined && endpoint[`ipv${family}`] !== undefined,
  );
  return usable.find((endpoint) => endpoint[`gateway${family}`] !== undefined) ?? usable[0];
}

/** Its address, where the network's gateway mode is this one. */
function targetAddress(endpoints: readonly Endpoint[], family: 4 | 6, mode: 'nat' | 'routed'): string | undefined {
  const endpoint = publishingEndpoint(endpoints, family);
  if (endpoint === undefined || (endpoint[`routed${family}`] === true) !== (mode === 'routed')) return undefined;
  return withoutPrefix(endpoint[`ipv${family}`] ?? '');
}

/** Ports that are reached by the container's own address, from everywhere: the ports of the host don't matter. */
export function openElements(ports: readonly PublishedPort[], endpoints: readonly Endpoint[]): readonly Element[] {
  return ([4, 6] as const).flatMap((family) => {
    const address = targetAddress(endpoints, family, 'routed');
    if (address === undefined) return [];
    const texts = ports.map(({ protocol, containerPort }) => `${address} . ${protocol} . ${containerPort}`);
    return [...new Set(texts)].map((text) => ({ set: `open${family}`, text }));
  });
}

/** A published port of an IPv6 address that the kernel cannot send to the container. */
export interface RelayTarget {
  readonly protocol: 'tcp' | 'udp';
  /** `::`, `::1`, or one address of the host. */
  readonly address: string;
  readonly port: number;
  readonly target: { readonly address: string; readonly port: number };
}

/**
 * What `portTargets()` leaves out of IPv6: ::1, which no packet leaves, and, of a container without an IPv6 address, all
 * IPv6 addresses of the host. A container that has no way out answers to the host alone, as by IPv4.
 */
export function relayTargets(ports: readonly PublishedPort[], endpoints: readonly Endpoint[]): readonly RelayTarget[] {
  const ipv4 = targetAddress(endpoints, 4, 'nat');
  const ipv6 = targetAddress(endpoints, 6, 'nat');
  const host = ipv6 ?? ipv4;
  const isInside = endpoints.every(({ gateway4, gateway6 }) => (gateway4 ?? gateway6) === undefined);
  if (host === undefined) return [];
  return ports.flatMap(({ protocol, hostIp, hostPort, containerPort }): readonly RelayTarget[] => {
    if (protocol === 'sctp' || (hostIp !== undefined && !hostIp.includes(':'))) return [];
    const isAny = hostIp === undefined || hostIp === '::';
    const isLoopback = hostIp === LOOPBACK6 || (isAny && (ipv6 !== undefined || isInside));
    if (!isLoopback && (ipv6 !== undefined || isInside)) return [];
    const address = isLoopback ? LOOPBACK6 : (hostIp ?? '::');
    return [{ protocol, address, port: hostPort, target: { address: host, port: containerPort } }];
  });
}

/**
 * All published ports, for a network that is not the machine's own: what listens on the machine is carried into it. A
 * container that has no way out answers to the machine alone.
 */
export function rootlessTargets(
  ports: readonly PublishedPort[],
  endpoints: readonly Endpoint[],
): readonly RelayTarget[] {
  const ipv4 = targetAddress(endpoints, 4, 'nat');
  const ipv6 = targetAddress(endpoints, 6, 'nat');
  const isInside = endpoints.every(({ gateway4, gateway6 }) => (gateway4 ?? gateway6) === undefined);
  return ports.flatMap(({ protocol, hostIp, hostPort, containerPort }) => {
    if (protocol === 'sctp') return [];
    const every = isInside ? ['127.0.0.1', LOOPBACK6] : ['0.0.0.0', '::'];
    return (hostIp === undefined ? every : [hostIp]).flatMap((address) => {
      const to = address.includes(':') ? (ipv6 ?? ipv4) : (ipv4 ?? ipv6);
      return to === undefined
        ? []
        : [{ protocol, address, port: hostPort, target: { address: to, port: containerPort } }];
    });
  });
}

const LOOPBACK6 = '::1';

function portElements(ports: readonly PublishedPort[], endpoints: readonly Endpoint[]): readonly Element[] {
  const published = [...portTargets(ports, endpoints)].map(([from, to]) => portElement(from, to));
  const relayed = relayTargets(ports, endpoints)
    .filter(({ address }) => address !== LOOPBACK6)
    .map(({ protocol, port }) => ({ set: 'relayed6', text: `${protocol} . ${port}` }));
  return [...published, ...openElements(ports, endpoints), ...relayed];
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
    ...deleteElements(openElements(from.ports, from.endpoints)),
    ...addElements([...targets].map(([key, target]) => portElement(key, target))),
    ...addElements(openElements(to.ports, to.endpoints)),
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
