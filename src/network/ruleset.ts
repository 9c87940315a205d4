import { TABLE } from './nft.ts';

/** Sets and maps: their members come and go with networks, ports and containers. Names are used by bridge.ts, ports.ts. */
const SETS = [
  // Every bridge of ours.
  'set bridges { type ifname; }',
  // Bridges without a way out.
  'set internal { type ifname; }',
  // Bridges whose packets leave with the host's address.
  'set masqueraded { type ifname; }',
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

interface Chain {
  readonly name: string;
  readonly hook: string;
  readonly rules: readonly string[];
}

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
  { name: 'output', hook: 'type nat hook output priority -100', rules: TO_CONTAINER },
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
      'iifname @bridges oifname != @bridges accept',
      'drop',
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
      'iifname . ip saddr @host_access4 accept',
      'iifname . ip6 saddr @host_access6 accept',
      'drop',
    ],
  },
];

/**
 * Makes the table, or brings its rules up to date in one transaction and leaves the members of its sets alone.
 * Chains are filled anew; between two states no packet sees half of it.
 */
export function rulesetScript(): string {
  const lines = [`add table ${TABLE}`];
  for (const set of SETS) lines.push(`add ${set.replace(' ', ` ${TABLE} `)}`);
  for (const { name, hook, rules } of CHAINS) {
    lines.push(`add chain ${TABLE} ${name} { ${hook}; policy accept; }`, `flush chain ${TABLE} ${name}`);
    for (const rule of rules) lines.push(`add rule ${TABLE} ${name} ${rule}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Number of rules by chain, as `rulesetScript()` makes them. */
export function ruleCounts(): ReadonlyMap<string, number> {
  return new Map(CHAINS.map(({ name, rules }) => [name, rules.length]));
}

/** Deletes the table with all that is in it; absent is fine. */
export function deleteRulesetScript(): string {
  return `add table ${TABLE}\ndelete table ${TABLE}\n`;
}
