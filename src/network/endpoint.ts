import type { HostOp } from '../host/op.ts';
import { type ContainerKey, containerAddress, netnsName } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';
import { withoutPrefix } from './cidr.ts';
import { macFor } from './mac.ts';
import { addElements, deleteElements, type Element, quoted } from './nft.ts';

/** What must be known of the kernel. */
export interface EndpointOptions {
  /** false on a kernel without IPv6 (`ipv6.disable=1`: no /proc/sys/net/ipv6). Default true. */
  readonly ipv6?: boolean;
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
    { op: 'ip', args: ['netns', 'add', netns], tolerate: 'exists' },
    ...endpoints.flatMap((endpoint) => hostSide(key, endpoint, options, existing)),
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
  return [...hostSide(key, endpoint, options, 'evict'), ...containerSide(netnsName(key), endpoint, options)];
}

/** Leave a network while the container runs. Takes some 20 ms: the kernel waits until nobody uses the link. */
export function disconnectEndpoint(_key: ContainerKey, endpoint: Endpoint): readonly HostOp[] {
  return [{ op: 'ip', args: deletion(endpoint), tolerate: 'absent' }];
}

function deletion({ hostInterface }: Endpoint): readonly string[] {
  return ['link', 'del', 'dev', hostInterface];
}

/**
 * Delete the namespace; its veth pairs go with it, in the background. A namespace that a process still is in only loses
 * its name, and its links stay until that process ends.
 */
export function removeSandbox(key: ContainerKey): readonly HostOp[] {
  return [{ op: 'ip', args: ['netns', 'del', netnsName(key)], tolerate: 'absent' }];
}

/** Let a container talk to the host itself: for one whose `extra_hosts` name `host-gateway`. */
export function allowHostAccess(endpoints: readonly Endpoint[]): readonly HostOp[] {
  return addElements(endpoints.flatMap(hostAccessElements));
}

/** Take back `allowHostAccess()`. */
export function denyHostAccess(endpoints: readonly Endpoint[]): readonly HostOp[] {
  return deleteElements(endpoints.flatMap(hostAccessElements));
}

function hostAccessElements(endpoint: Endpoint): readonly Element[] {
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

/** The pair is born with one end in its namespace: to move a link there later waits for RCU, 23 ms. */
function hostSide(
  key: ContainerKey,
  endpoint: Endpoint,
  options: EndpointOptions,
  existing: Existing,
): readonly HostOp[] {
  const { hostInterface } = endpoint;
  const mac = endpoint.macAddress ?? (endpoint.ipv4 === undefined ? undefined : macFor(withoutPrefix(endpoint.ipv4)));
  const mtu = endpoint.mtu === undefined ? [] : ['mtu', String(endpoint.mtu)];
  const peer = [endpoint.containerInterface, ...(mac === undefined ? [] : ['address', mac]), ...mtu];
  const alias = `tsstack ${key.stack} ${containerAddress(key.service, key.index)} ${endpoint.network}`;
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
        alias,
        'up',
      ],
    },
    // Without it a container that calls itself by the host's published port gets no answer where br_netfilter is on:
    // the bridge would have to send the frame back to the port it came from.
    { op: 'ip', args: ['link', 'set', 'dev', hostInterface, 'type', 'bridge_slave', 'hairpin', 'on'] },
  ];
}

function noLinkLocal(options: EndpointOptions): readonly string[] {
  return options.ipv6 === false ? [] : ['addrgenmode', 'none'];
}

function containerSide(netns: string, endpoint: Endpoint, options: EndpointOptions): readonly HostOp[] {
  const device = ['dev', endpoint.containerInterface];
  const ip = (...args: readonly string[]): HostOp => ({ op: 'ip', netns, args });
  const ops: HostOp[] = [];
  // A network without IPv6 gets no link-local addresses either, by which containers could talk all the same.
  if (endpoint.ipv6 === undefined && options.ipv6 !== false)
    ops.push(ip('link', 'set', ...device, ...noLinkLocal(options)));
  if (endpoint.ipv4 !== undefined) ops.push(ip('addr', 'replace', endpoint.ipv4, 'broadcast', '+', ...device));
  // nodad: hairpin ports reflect the probes of duplicate address detection.
  if (endpoint.ipv6 !== undefined) ops.push(ip('addr', 'replace', endpoint.ipv6, ...device, 'nodad'));
  ops.push(ip('link', 'set', ...device, 'up'));
  if (endpoint.gateway4 !== undefined) ops.push(ip('route', 'replace', 'default', 'via', endpoint.gateway4, ...device));
  if (endpoint.gateway6 !== undefined) {
    ops.push(ip('route', 'replace', 'default', 'via', endpoint.gateway6, ...device));
  }
  return ops;
}
