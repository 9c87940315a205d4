import type { NetworkSpec } from '../model/container.ts';
import type { BridgeEndpoint } from './bridge-endpoint.ts';
import { addressToNumber, numberToAddress, withoutPrefix } from './cidr.ts';
import { linkLocalFor, macFor, macOf } from './mac.ts';
import { type Element, quoted, type RulesTable } from './nft.ts';

/** The table of frames, which pass a bridge without ever being looked at by the table of packets (ruleset.ts). */
const TABLE = 'bridge tsstack';

/**
 * Nobody speaks for another: a frame that a container sends bears its own hardware address and its own addresses, in ARP
 * and neighbour discovery as well, and nobody is a router but the bridge (RFC 6105). What is not known is dropped, so
 * that a container whose elements are not there yet is silent, not free.
 *
 * A container that was given NET_ADMIN may use addresses that nobody has: it routes, or shares an address with others
 * (VRRP). It can't take one of another container or of the gateway.
 */
export const GUARD: RulesTable = {
  name: TABLE,
  sets: [
    // Ports that others than containers speak at: another machine's part of the same network.
    'set uplinks { type ifname; }',
    // Ports of containers with NET_ADMIN.
    'set routers { type ifname; }',
    // Port . own hardware address . own address: one look for nearly every packet.
    'set own4 { type ifname . ether_addr . ipv4_addr; }',
    // Port . own address.
    'set macs { type ifname . ether_addr; }',
    'set senders4 { type ifname . ipv4_addr; }',
    'set senders6 { type ifname . ipv6_addr; }',
    // nft 1.0.6 has no name for what a neighbour advertisement is about: 16 bytes behind the first 8.
    'set targets6 { typeof iifname . @th,64,128; }',
    // Addresses that a container or a gateway has. Networks do not overlap, so an address says whose it is.
    'set held_macs { type ether_addr; }',
    'set held4 { type ipv4_addr; }',
    'set held6 { type ipv6_addr; }',
    'set held_targets6 { typeof @th,64,128; }',
  ],
  chains: [
    {
      name: 'guard',
      hook: 'type filter hook prerouting priority -300',
      rules: [
        // Of ports of bridges, those are ours; not every kernel can tell the bridge (nft_meta_bridge).
        'iifname != "ts-*" accept',
        'ether type ip iifname . ether saddr . ip saddr @own4 accept',
        'iifname @uplinks accept',
        'icmpv6 type { nd-router-advert, nd-redirect } drop',
        'iifname . ether saddr != @macs goto strangers',
        'ether type arp iifname . arp saddr ether != @macs goto strangers',
        'ether type arp iifname . arp saddr ip @senders4 accept',
        // Asks whether anybody has an address (RFC 5227), and tells nobody anything.
        'ether type arp arp saddr ip 0.0.0.0 accept',
        'ether type ip iifname . ip saddr @senders4 accept',
        'icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 goto strangers',
        'ether type ip6 iifname . ip6 saddr @senders6 accept',
        // The same of IPv6 (RFC 4862, 5.4), and who listens to which group (RFC 3590).
        'ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report } accept',
        'goto strangers',
      ],
    },
    {
      name: 'strangers',
      rules: [
        'iifname != @routers drop',
        'iifname . ether saddr != @macs ether saddr @held_macs drop',
        'ether type arp iifname . arp saddr ether != @macs arp saddr ether @held_macs drop',
        'ether type arp arp saddr ip @held4 iifname . arp saddr ip != @senders4 drop',
        'ether type ip ip saddr @held4 iifname . ip saddr != @senders4 drop',
        'ether type ip6 ip6 saddr @held6 iifname . ip6 saddr != @senders6 drop',
        'icmpv6 type nd-neighbor-advert @th,64,128 @held_targets6 iifname . @th,64,128 != @targets6 drop',
      ],
    },
  ],
};

/** What of a network is in the sets: the gateway's addresses, which no container may use, and the way to other machines. */
export function networkGuard({ gateway4, gateway6, overlay }: NetworkSpec): readonly Element[] {
  const gateway = gateway4 ?? gateway6;
  const mac = gateway === undefined ? undefined : macFor(gateway);
  const addresses = [gateway4, gateway6, gateway6 === undefined || mac === undefined ? undefined : linkLocalFor(mac)];
  return [...(overlay === undefined ? [] : [element('uplinks', quoted(overlay.vxlan))]), ...held(mac, addresses)];
}

/** What of an endpoint is in the sets. `routes`: the container has NET_ADMIN. */
export function endpointGuard(endpoint: BridgeEndpoint, routes: boolean): readonly Element[] {
  const { hostInterface, ipv4, ipv6, linkLocal = [] } = endpoint;
  const port = quoted(hostInterface);
  const mac = macOf(endpoint);
  const addresses = [ipv4, ipv6, ipv6 === undefined || mac === undefined ? undefined : linkLocalFor(mac), ...linkLocal];
  const own = present(addresses).flatMap((address) =>
    address.includes(':')
      ? [element('senders6', `${port} . ${address}`), element('targets6', `${port} . ${hex(address)}`)]
      : [
          element('senders4', `${port} . ${address}`),
          ...(mac === undefined ? [] : [element('own4', `${port} . ${mac} . ${address}`)]),
        ],
  );
  return [
    ...(routes ? [element('routers', port)] : []),
    ...(mac === undefined ? [] : [element('macs', `${port} . ${mac}`)]),
    ...own,
    ...held(mac, addresses),
  ];
}

function held(mac: string | undefined, addresses: readonly (string | undefined)[]): readonly Element[] {
  return [
    ...(mac === undefined ? [] : [element('held_macs', mac)]),
    ...present(addresses).flatMap((address) =>
      address.includes(':')
        ? [element('held6', address), element('held_targets6', hex(address))]
        : [element('held4', address)],
    ),
  ];
}

/** Without prefix lengths, in the form that nft prints. */
function present(addresses: readonly (string | undefined)[]): readonly string[] {
  return addresses.flatMap((address) => {
    if (address === undefined) return [];
    const plain = withoutPrefix(address);
    return [numberToAddress(addressToNumber(plain), plain.includes(':') ? 128 : 32)];
  });
}

function element(set: string, text: string): Element {
  return { table: TABLE, set, text };
}

/** As nft prints a number of 16 bytes. */
function hex(address: string): string {
  return `0x${addressToNumber(address).toString(16).padStart(32, '0')}`;
}
