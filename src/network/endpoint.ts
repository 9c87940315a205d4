import type { HostOp } from '../host/op.ts';
import { type ContainerKey, netnsName } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';
import { type BridgeEndpoint, isOnBridge } from './bridge-endpoint.ts';
import { withoutPrefix } from './cidr.ts';
import { endpointGuard } from './guard.ts';
import { macOf } from './mac.ts';
import { addElements, deleteElements, type Element, quoted } from './nft.ts';
import { createBelow, deleteBelow, isBelowParent } from './parent.ts';
import { removeShaper } from './shape.ts';
import { aliasOf, type ShapeOptions, shapeEndpoints } from './shaped-links.ts';

/** What must be known of the kernel and of the container. */
export interface EndpointOptions extends ShapeOptions {
  /** false on a kernel without IPv6 (`ipv6.disable=1`: no /proc/sys/net/ipv6). Default true. */
  readonly ipv6?: boolean;
  /** It has NET_ADMIN, and so may send what is not from its own addresses (guard.ts). Default false. */
  readonly routes?: boolean;
}

/**
 * Make the container's named network namespace with loopback up and all its endpoints connected and configured.
 * The host's lines come before the namespace's, so that each kind can go to one `ip -batch`. Links of the same names
 * are those of a predecessor that the kernel is still taking away, or of a creation that was cut short: they give way.
 */
export function createSandbox(
  key: ContainerKey,
  endpoints: readonly Endpoint[],
  options: EndpointOptions = {},
): readonly HostOp[] {
  return sandbox(key, endpoints, options, 'evict');
}

/** Make what is missing of a sandbox that is in use; links that are there stay, and so do their connections. */
export function repairSandbox(
  key: ContainerKey,
  endpoints: readonly Endpoint[],
  options: EndpointOptions = {},
): readonly HostOp[] {
  return sandbox(key, endpoints, options, 'keep');
}

/** What becomes of a link that is there already. */
type Existing = 'evict' | 'keep';

function sandbox(
  key: ContainerKey,
  endpoints: readonly Endpoint[],
  options: EndpointOptions,
  existing: Existing,
): readonly HostOp[] {
  const netns = netnsName(key);
  return [
    ...admit(endpoints, options),
    { op: 'ip', args: ['netns', 'add', netns], tolerate: 'exists' },
    ...endpoints.flatMap((endpoint) => hostSide(key, endpoint, options, existing)),
    ...shapeEndpoints(key, endpoints, options),
    { op: 'ip', netns, args: ['link', 'set', 'dev', 'lo', 'up'] },
    ...endpoints.flatMap((endpoint) => containerSide(netns, endpoint, options)),
  ];
}

/** Join one more network while the container runs. */
export function connectEndpoint(
  key: ContainerKey,
  endpoint: Endpoint,
  options: EndpointOptions = {},
): readonly HostOp[] {
  return [
    ...admit([endpoint], options),
    ...hostSide(key, endpoint, options, 'evict'),
    ...shapeEndpoints(key, [endpoint], options),
    ...containerSide(netnsName(key), endpoint, options),
  ];
}

/** Leave a network while the container runs. Takes some 20 ms: the kernel waits until nobody uses the link. */
export function disconnectEndpoint(key: ContainerKey, endpoint: Endpoint): readonly HostOp[] {
  if (isBelowParent(endpoint)) return [deleteBelow(netnsName(key), endpoint)];
  if (!isOnBridge(endpoint)) return [];
  return [
    { op: 'ip', args: deletion(endpoint), tolerate: 'absent' },
    ...dismiss([endpoint]),
    ...removeShaper(endpoint),
  ];
}

/** Lets the bridge take frames from endpoints, also those that are not there yet: it takes them from nobody else. */
function admit(endpoints: readonly Endpoint[], { routes = false }: EndpointOptions): readonly HostOp[] {
  return addElements(endpoints.filter(isOnBridge).flatMap((endpoint) => endpointGuard(endpoint, routes)));
}

function dismiss(endpoints: readonly Endpoint[]): readonly HostOp[] {
  return deleteElements(endpoints.filter(isOnBridge).flatMap((endpoint) => endpointGuard(endpoint, true)));
}

/**
 * Bring the default routes of links that stay to what they are to be, after others have come or gone: the link that has
 * one now is the place of the only one.
 */
export function moveDefaultRoutes(
  key: ContainerKey,
  before: readonly Endpoint[],
  after: readonly Endpoint[],
): readonly HostOp[] {
  const netns = netnsName(key);
  const old = new Map(before.map((endpoint) => [endpoint.network, endpoint]));
  return after.flatMap((endpoint) => {
    const device = ['dev', endpoint.containerInterface];
    return (['gateway4', 'gateway6'] as const).flatMap((gateway): HostOp[] => {
      const [was, is] = [old.get(endpoint.network)?.[gateway], endpoint[gateway]];
      if (was === is) return [];
      if (is !== undefined) return [{ op: 'ip', netns, args: ['route', 'replace', 'default', 'via', is, ...device] }];
      const args = ['route', 'del', 'default', 'via', was ?? '', ...device];
      return [{ op: 'ip', netns, args, tolerate: 'absent' }];
    });
  });
}

function deletion({ hostInterface }: BridgeEndpoint): readonly string[] {
  return ['link', 'del', 'dev', hostInterface];
}

/**
 * Delete the namespace; its veth pairs go with it, in the background. A namespace that a process still is in only loses
 * its name, and its links stay until that process ends.
 */
export function removeSandbox(key: ContainerKey, endpoints: readonly Endpoint[]): readonly HostOp[] {
  return [
    { op: 'ip', args: ['netns', 'del', netnsName(key)], tolerate: 'absent' },
    ...dismiss(endpoints),
    ...endpoints.filter(isOnBridge).flatMap(removeShaper),
  ];
}

/** Let a container talk to the host itself: for one whose `extra_hosts` name `host-gateway`. */
export function allowHostAccess(endpoints: readonly Endpoint[]): readonly HostOp[] {
  return addElements(endpoints.filter(isOnBridge).flatMap(hostAccessElements));
}

/** Take back `allowHostAccess()`. */
export function denyHostAccess(endpoints: readonly Endpoint[]): readonly HostOp[] {
  return deleteElements(endpoints.filter(isOnBridge).flatMap(hostAccessElements));
}

function hostAccessElements(endpoint: BridgeEndpoint): readonly Element[] {
  const bridge = quoted(endpoint.bridge);
  const elements: Element[] = [];
  if (endpoint.ipv4 !== undefined) {
    elements.push({ set: 'host_access4', text: `${bridge} . ${withoutPrefix(endpoint.ipv4)}` });
  }
  if (endpoint.ipv6 !== undefined) {
    elements.push({ set: 'host_access6', text: `${bridge} . ${withoutPrefix(endpoint.ipv6)}` });
  }
  return elements;
}

/** What is done in the namespace of the host. */
function hostSide(
  key: ContainerKey,
  endpoint: Endpoint,
  options: EndpointOptions,
  existing: Existing,
): readonly HostOp[] {
  if (isOnBridge(endpoint)) return vethPair(key, endpoint, options, existing);
  if (!isBelowParent(endpoint)) return [];
  const netns = netnsName(key);
  // An ipvlan has the hardware address of its parent.
  const link = endpoint.parent.driver === 'ipvlan' ? mtuWords(endpoint) : linkWords(endpoint);
  const remains = existing === 'evict' ? [deleteBelow(netns, endpoint)] : [];
  return [...remains, createBelow(netns, endpoint, link)];
}

function mtuWords({ mtu }: Endpoint): readonly string[] {
  return mtu === undefined ? [] : ['mtu', String(mtu)];
}

/** What of the container's end is said when it is made. */
function linkWords(endpoint: Endpoint): readonly string[] {
  const mac = macOf(endpoint);
  return [...(mac === undefined ? [] : ['address', mac]), ...mtuWords(endpoint)];
}

/** The pair is born with one end in its namespace: to move a link there later waits for RCU, 23 ms. */
function vethPair(
  key: ContainerKey,
  endpoint: BridgeEndpoint,
  options: EndpointOptions,
  existing: Existing,
): readonly HostOp[] {
  const { hostInterface } = endpoint;
  const mtu = mtuWords(endpoint);
  const peer = [endpoint.containerInterface, ...linkWords(endpoint)];
  return [
    {
      op: 'ip',
      args: [
        'link',
        'add',
        'name',
        hostInterface,
        ...mtu,
        'type',
        'veth',
        'peer',
        'name',
        ...peer,
        'netns',
        netnsName(key),
      ],
      ...(existing === 'evict' ? { evict: deletion(endpoint) } : { tolerate: 'exists' }),
    },
    {
      op: 'ip',
      // The host's end needs no address of its own, not even a link-local one.
      args: [
        'link',
        'set',
        'dev',
        hostInterface,
        'master',
        endpoint.bridge,
        ...noLinkLocal(options),
        'alias',
        aliasOf(key, endpoint),
        'up',
      ],
    },
    // Without it a container that calls itself by the host's published port gets no answer where br_netfilter is on:
    // the bridge would have to send the frame back to the port it came from.
    {
      op: 'ip',
      args: [...['link', 'set', 'dev', hostInterface, 'type', 'bridge_slave', 'hairpin', 'on'], ...isolation(endpoint)],
    },
  ];
}

/** Frames go to the bridge itself and to ports that are not isolated (bridge(8)). */
function isolation({ isolated }: Endpoint): readonly string[] {
  return isolated === true ? ['isolated', 'on'] : [];
}

function noLinkLocal(options: EndpointOptions): readonly string[] {
  return options.ipv6 === false ? [] : ['addrgenmode', 'none'];
}

/** /proc/sys/net is that of whoever looks. */
function writeSysctls(netns: string, { sysctls = {}, containerInterface }: Endpoint): readonly HostOp[] {
  return Object.entries(sysctls).map(([name, value]) => {
    // An interface's name may have dots.
    const [kind = '', setting = ''] = name.split(`.${containerInterface}.`);
    const path = `/proc/sys/${kind.replaceAll('.', '/')}/${containerInterface}/${setting}`;
    const write = ['sh', '-c', 'printf %s "$2" >"$1"', 'sh', path, value];
    return { op: 'run', argv: ['ip', 'netns', 'exec', netns, ...write] };
  });
}

function containerSide(netns: string, endpoint: Endpoint, options: EndpointOptions): readonly HostOp[] {
  const device = ['dev', endpoint.containerInterface];
  const ip = (...args: readonly string[]): HostOp => ({ op: 'ip', netns, args });
  // Before there are addresses: some settings are about how these come to be.
  const ops: HostOp[] = [...writeSysctls(netns, endpoint)];
  // A network without IPv6 gets no link-local addresses either, by which containers could talk all the same.
  if (endpoint.ipv6 === undefined && options.ipv6 !== false)
    ops.push(ip('link', 'set', ...device, ...noLinkLocal(options)));
  // The guard knows that one.
  if (endpoint.ipv6 !== undefined) ops.push(ip('link', 'set', ...device, 'addrgenmode', 'eui64'));
  if (endpoint.ipv4 !== undefined) ops.push(ip('addr', 'replace', endpoint.ipv4, 'broadcast', '+', ...device));
  // nodad: hairpin ports reflect the probes of duplicate address detection.
  if (endpoint.ipv6 !== undefined) ops.push(ip('addr', 'replace', endpoint.ipv6, ...device, 'nodad'));
  for (const address of endpoint.linkLocal ?? []) {
    ops.push(ip('addr', 'replace', address, 'scope', 'link', ...device, ...(address.includes(':') ? ['nodad'] : [])));
  }
  ops.push(ip('link', 'set', ...device, 'up'));
  if (endpoint.defaultRoute === true) ops.push(...routesByDevice(netns, endpoint));
  if (endpoint.gateway4 !== undefined) ops.push(ip('route', 'replace', 'default', 'via', endpoint.gateway4, ...device));
  if (endpoint.gateway6 !== undefined) {
    ops.push(ip('route', 'replace', 'default', 'via', endpoint.gateway6, ...device));
  }
  return ops;
}

function routesByDevice(netns: string, { ipv4, ipv6, containerInterface }: Endpoint): readonly HostOp[] {
  const all = [...(ipv4 === undefined ? [] : ['0.0.0.0/0']), ...(ipv6 === undefined ? [] : ['::/0'])];
  return all.map((to) => ({ op: 'ip', netns, args: ['route', 'replace', to, 'dev', containerInterface] }));
}
