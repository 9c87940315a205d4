import type { HostOp } from '../host/op.ts';
import { networkAlias } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { bridgeOptions, mtuOf } from '../model/network-options.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import { prefixOf } from './cidr.ts';
import { networkGuard } from './guard.ts';
import { macFor } from './mac.ts';
import { addElements, deleteElements, type Element, quoted } from './nft.ts';
import { isOverlay, tunnelElements } from './overlay.ts';
import { deleteRulesetScript, rulesetScript } from './ruleset.ts';

const IPV4_FORWARD = '/proc/sys/net/ipv4/ip_forward';
const IPV6_FORWARD = '/proc/sys/net/ipv6/conf/all/forwarding';
const ACCEPT_REDIRECTS = '/proc/sys/net/ipv4/conf/all/accept_redirects';
const NETNS_DIRECTORY = '/run/netns';

/**
 * Bridge with its gateway address, up, and its nft rules (masquerading unless internal, isolation from other networks).
 * Brings one that is there up to date: `before` is what it was made from.
 */
export function createNetwork(network: BridgeNetwork, before?: BridgeNetwork): readonly HostOp[] {
  const { bridge, gateway4, gateway6 } = network;
  const mtu = networkMtu(network, before);
  const gateway = gateway4 ?? gateway6;
  const mac = gateway === undefined ? [] : ['address', macFor(gateway)];
  const ops: HostOp[] = [
    // Without an address of its own a bridge takes that of a port, and changes it under the containers' ARP caches.
    { op: 'ip', args: ['link', 'add', 'name', bridge, ...mac, 'type', 'bridge'], tolerate: 'exists' },
    {
      op: 'ip',
      args: ['link', 'set', 'dev', bridge, ...mtu, 'alias', networkAlias(network)],
    },
    // The host's connections to ports on 127.0.0.1 leave by the bridge, and answers are translated back to 127.0.0.1
    // before the route is looked up: elsewhere than on lo the kernel takes that address for a martian.
    { op: 'write-in-place', path: `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, data: '1' },
    // Else the bridge gets a link-local address, by which containers could reach the host.
    {
      op: 'write-in-place',
      path: `/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`,
      data: network.subnet6 === undefined ? '1' : '0',
      tolerateAbsent: true,
    },
    // Before it is up: no packet passes unjudged.
    ...addElements(networkElements(network)),
    ...deleteElements(staleElements(network, before)),
  ];
  if (gateway4 !== undefined && network.subnet4 !== undefined) {
    ops.push({
      op: 'ip',
      args: ['addr', 'replace', `${gateway4}/${prefixOf(network.subnet4)}`, 'broadcast', '+', 'dev', bridge],
    });
  }
  if (gateway6 !== undefined && network.subnet6 !== undefined) {
    ops.push({
      op: 'ip',
      args: ['addr', 'replace', `${gateway6}/${prefixOf(network.subnet6)}`, 'dev', bridge, 'nodad'],
    });
    // Not by prepareHost(): a forwarding host no longer listens to router advertisements.
    if (!network.internal) ops.push({ op: 'write-in-place', path: IPV6_FORWARD, data: '1' });
  }
  ops.push({ op: 'ip', args: ['link', 'set', 'dev', bridge, 'up'] });
  return ops;
}

/**
 * The bridge goes before its rules: nothing of it is left that they could have held back. Its sysctls go with it. What
 * overlays have in common stays while `others` need it.
 */
export function removeNetwork(
  network: BridgeNetwork,
  link: 'delete' | 'keep' = 'delete',
  others: readonly BridgeNetwork[] = [],
): readonly HostOp[] {
  const kept = new Set(
    others
      .filter(isOverlay)
      .flatMap(tunnelElements)
      .map(({ set, text }) => `${set} ${text}`),
  );
  const deletion: HostOp = { op: 'ip', args: ['link', 'del', 'dev', network.bridge], tolerate: 'absent' };
  const own = networkElements(network).filter(({ set, text }) => !kept.has(`${set} ${text}`));
  return [...(link === 'delete' ? [deletion] : []), ...deleteElements(own)];
}

/** The kernel's own (ETH_DATA_LEN of linux/if_ether.h). */
const DEFAULT_MTU = 1500;

/** `com.docker.network.driver.mtu` of a network's `driver_opts`, as words for `ip link set`. */
function networkMtu(network: NetworkSpec, before: NetworkSpec | undefined): readonly string[] {
  const mtu = mtuOf(network);
  const had = before && mtuOf(before);
  return mtu === undefined && had === undefined ? [] : ['mtu', String(mtu ?? DEFAULT_MTU)];
}

/** What an earlier form of the network had in the sets, and this one has not. */
function staleElements(network: BridgeNetwork, before: BridgeNetwork | undefined): readonly Element[] {
  const wanted = new Set(networkElements(network).map(({ set, text }) => `${set} ${text}`));
  return before === undefined ? [] : networkElements(before).filter(({ set, text }) => !wanted.has(`${set} ${text}`));
}

/** What of a network is in the sets of our table. */
export function networkElements(network: BridgeNetwork): readonly Element[] {
  const bridge = quoted(network.bridge);
  const options = bridgeOptions(network);
  const elements: Element[] = [{ set: 'bridges', text: bridge }];
  // Ports of the bridge that are isolated could still go by way of the host.
  if (options.betweenContainers) elements.push({ set: 'same', text: `${bridge} . ${bridge}` });
  if (network.internal) elements.push({ set: 'internal', text: bridge });
  if (!network.internal && options.masquerade) elements.push({ set: 'masqueraded', text: bridge });
  if (options.gatewayMode4 === 'routed') elements.push({ set: 'routed4', text: bridge });
  if (options.gatewayMode6 === 'routed') elements.push({ set: 'routed6', text: bridge });
  if (isOverlay(network)) elements.push(...tunnelElements(network));
  if (network.subnet4 !== undefined) elements.push({ set: 'subnets4', text: `${network.subnet4} . ${bridge}` });
  if (network.subnet6 !== undefined) elements.push({ set: 'subnets6', text: `${network.subnet6} . ${bridge}` });
  if (network.gateway4 !== undefined) elements.push({ set: 'gateways4', text: `${bridge} . ${network.gateway4}` });
  if (network.gateway6 !== undefined) elements.push({ set: 'gateways6', text: `${bridge} . ${network.gateway6}` });
  return [...elements, ...networkGuard(network)];
}

/** What every network needs once a machine: our nft table, forwarding. Safe to repeat. */
export function prepareHost(): readonly HostOp[] {
  return [
    // The rules first: a host that forwards without them would route between everything.
    { op: 'nft', script: rulesetScript() },
    { op: 'write-in-place', path: IPV4_FORWARD, data: '1' },
  ];
}

/**
 * Undo `prepareHost()` when no network of ours is left. `before` is what `readHostSettings()` said before it, `now`
 * what it says at present: /run/netns stays while someone has a namespace in it.
 */
export function restoreHost(before: HostSettings, now?: HostSettings): readonly HostOp[] {
  const ops: HostOp[] = [{ op: 'nft', script: deleteRulesetScript() }];
  if (before.ipv4Forward === '0') {
    ops.push({ op: 'write-in-place', path: IPV4_FORWARD, data: '0' });
    // The kernel turns this on when it stops forwarding (inet_forward_change() in net/ipv4/devinet.c).
    if (before.ipv4AcceptRedirects !== '') {
      ops.push({ op: 'write-in-place', path: ACCEPT_REDIRECTS, data: before.ipv4AcceptRedirects });
    }
  }
  if (before.ipv6Forward === '0' && now?.ipv6Forward !== '0') {
    ops.push({ op: 'write-in-place', path: IPV6_FORWARD, data: '0' });
  }
  if (now === undefined || now.netnsCount === 0) ops.push(...restoreNetnsDirectory(before, now));
  return ops;
}

function restoreNetnsDirectory(before: HostSettings, now: HostSettings | undefined): readonly HostOp[] {
  const ops: HostOp[] = [];
  if (!before.netnsMounted && now?.netnsMounted === true) ops.push({ op: 'run', argv: ['umount', NETNS_DIRECTORY] });
  if (!before.netnsDirectory) ops.push({ op: 'rmdir', path: NETNS_DIRECTORY, tolerateNonEmpty: true });
  return ops;
}

/** Settings of the machine that `prepareHost()` changes, to be recorded before the first change. */
export interface HostSettings {
  /** `/proc/sys/net/ipv4/ip_forward`. */
  readonly ipv4Forward: string;
  /** `/proc/sys/net/ipv4/conf/all/accept_redirects`; empty when unknown. */
  readonly ipv4AcceptRedirects: string;
  /** `/proc/sys/net/ipv6/conf/all/forwarding`; empty on a kernel without IPv6. */
  readonly ipv6Forward: string;
  /** Was /run/netns a mount point (iproute2 makes it one) and a directory. */
  readonly netnsMounted: boolean;
  readonly netnsDirectory: boolean;
  /** Named network namespaces, of anyone. */
  readonly netnsCount: number;
}
