import { GUARD } from './guard.ts';
import { type Chain, deleteTableScript, type RulesTable, TABLE, tableScript } from './nft.ts';

/** Sets and maps: their members come and go with networks, ports and containers. Names are used by bridge.ts, ports.ts. */
const SETS = [
  // Every bridge of ours.
  'set bridges { type ifname; }',
  // Bridges without a way out.
  'set internal { type ifname; }',
  // Bridges whose packets leave with the host's address.
  'set masqueraded { type ifname; }',
  // Bridges whose containers keep their addresses: gateway mode "routed".
  'set routed4 { type ifname; }',
  'set routed6 { type ifname; }',
  // Bridge . bridge: packets that stay on their network.
  'set same { type ifname . ifname; }',
  // Subnet . bridge, to know a packet that comes back to the network it came from.
  'set subnets4 { type ipv4_addr . ifname; flags interval; }',
  'set subnets6 { type ipv6_addr . ifname; flags interval; }',
  // Bridge . its address.
  'set gateways4 { type ifname . ipv4_addr; }',
  'set gateways6 { type ifname . ipv6_addr; }',
  // Bridge . address of containers that may talk to the host itself.
  'set host_access4 { type ifname . ipv4_addr; }',
  'set host_access6 { type ifname . ipv6_addr; }',
  // Ports of containers that are reached by the containers' own addresses.
  'set open4 { type ipv4_addr . inet_proto . inet_service; }',
  'set open6 { type ipv6_addr . inet_proto . inet_service; }',
  // Ports of the host that are relayed to containers without IPv6.
  'set relayed6 { type inet_proto . inet_service; }',
  // Ports of overlays on this host, and who may send to them.
  'set overlay_ports { type inet_service; }',
  'set overlay_peers4 { type ipv4_addr . inet_service; }',
  'set overlay_peers6 { type ipv6_addr . inet_service; }',
  // Published ports: on every address of the host, and on one.
  'map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }',
  'map ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }',
  'map ports4_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }',
  'map ports6_at { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }',
];

const TO_CONTAINER = [
  'fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports4_at',
  'fib daddr type local dnat ip to meta l4proto . th dport map @ports4',
  'fib daddr type local dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_at',
  'fib daddr type local dnat ip6 to meta l4proto . th dport map @ports6',
];

const CHAINS: readonly Chain[] = [
  {
    name: 'raw',
    hook: 'type filter hook prerouting priority raw',
    rules: [
      // route_localnet is on for our bridges (see bridge.ts): without this a container could forge packets to 127.0.0.1,
      // and so reach services that listen on the host's loopback only (CVE-2020-8558). Chain input stops most of it too,
      // but not for those who have host access. Packets forged from 127.0.0.1 the kernel drops by itself: a source that
      // is an address of the machine's own (fib_validate_source() in net/ipv4/fib_frontend.c).
      'iifname @bridges ip daddr 127.0.0.0/8 drop',
    ],
  },
  {
    name: 'prerouting',
    hook: 'type nat hook prerouting priority dstnat',
    rules: [
      // What comes from outside for 127.0.0.1 is forged: ports published there are for the host itself (chain output).
      'ip daddr 127.0.0.0/8 return',
      ...TO_CONTAINER,
    ],
  },
  {
    name: 'output',
    hook: 'type nat hook output priority -100',
    // No packet from ::1 leaves lo: a process listens there (docs/network.md).
    rules: ['ip6 daddr ::1 return', ...TO_CONTAINER],
  },
  {
    name: 'postrouting',
    hook: 'type nat hook postrouting priority srcnat',
    rules: [
      // The host to a port on its own 127.0.0.1: the container could not answer to that address.
      'oifname @bridges ip saddr 127.0.0.0/8 masquerade',
      // A container to a published port of its own network (hairpin): the answer must pass here to be translated back.
      // By subnet, not by iifname: bridged packets (br_netfilter) carry no input interface in this hook.
      'ct status dnat ip saddr . oifname @subnets4 masquerade',
      'ct status dnat ip6 saddr . oifname @subnets6 masquerade',
      'meta nfproto ipv4 iifname @routed4 return',
      'meta nfproto ipv6 iifname @routed6 return',
      'iifname @masqueraded oifname != @bridges masquerade',
    ],
  },
  {
    name: 'forward',
    hook: 'type filter hook forward priority filter',
    rules: [
      // Packets of others are none of our business.
      'iifname != @bridges oifname != @bridges accept',
      'ct state established,related accept',
      // Seen here only where br_netfilter hands bridged packets to the IP hooks.
      'iifname . oifname @same accept',
      // Before published ports: these are a way out and in as well.
      'iifname @internal drop',
      'oifname @internal drop',
      // Published ports, whoever asks.
      'ct status dnat accept',
      'ip daddr . meta l4proto . th dport @open4 accept',
      'ip6 daddr . meta l4proto . th dport @open6 accept',
      'iifname @bridges oifname != @bridges accept',
      'drop',
    ],
  },
  {
    name: 'overlay',
    hook: 'type filter hook input priority -10',
    rules: [
      // A frame in a packet of somebody else's would be on the network like any other.
      'udp dport @overlay_ports ip saddr . udp dport @overlay_peers4 accept',
      'udp dport @overlay_ports ip6 saddr . udp dport @overlay_peers6 accept',
      'udp dport @overlay_ports drop',
    ],
  },
  {
    name: 'input',
    hook: 'type filter hook input priority filter',
    rules: [
      'iifname != @bridges accept',
      'ct state established,related accept',
      'ct status dnat accept',
      // Neighbour discovery is to IPv6 what ARP is to IPv4.
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept',
      'meta l4proto { tcp, udp } th dport 53 iifname . ip daddr @gateways4 accept',
      'meta l4proto { tcp, udp } th dport 53 iifname . ip6 daddr @gateways6 accept',
      'icmp type echo-request iifname . ip daddr @gateways4 accept',
      'icmpv6 type echo-request iifname . ip6 daddr @gateways6 accept',
      // A published port, whoever asks.
      'iifname != @internal meta nfproto ipv6 meta l4proto . th dport @relayed6 accept',
      'iifname . ip saddr @host_access4 accept',
      'iifname . ip6 saddr @host_access6 accept',
      'drop',
    ],
  },
];

const TABLES: readonly RulesTable[] = [{ name: TABLE, sets: SETS, chains: CHAINS }, GUARD];

/** Makes our tables, or brings their rules up to date. */
export function rulesetScript(): string {
  return TABLES.map(tableScript).join('');
}

/** Number of rules by table and chain, as `rulesetScript()` makes them: `inet tsstack forward`. */
export function ruleCounts(): ReadonlyMap<string, number> {
  return new Map(
    TABLES.flatMap(({ name: table, chains }) => chains.map(({ name, rules }) => [`${table} ${name}`, rules.length])),
  );
}

/** Deletes our tables with all that is in them; absent is fine. */
export function deleteRulesetScript(): string {
  return TABLES.map(deleteTableScript).join('');
}
