import type { HostOp } from '../host/op.ts';
import type { ContainerKey } from '../model/address.ts';
import { machineName } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';

import type { LiveNetwork } from '../model/live.ts';
import { OWNER } from '../store/paths.ts';
import { type BridgeEndpoint, isOnBridge } from './bridge-endpoint.ts';
import { withoutPrefix } from './cidr.ts';
import { quoted } from './nft.ts';

/*
 * Packets between containers of one network pass its bridge only, so they are dropped there, by the links that they come
 * and leave by, whatever addresses they bear. Those that go by a published port of the host pass it as routed packets,
 * and are known by both ends of their connection. Neighbours go on finding each other (ARP, neighbour discovery): what is
 * sent is lost in silence, and no program is told that the other is unreachable.
 */

const NAME = `${OWNER}_cut`;
export const CUT_TABLES = [`bridge ${NAME}`, `inet ${NAME}`] as const;

/** A container as far as cutting it off goes. */
export interface Cuttable {
  readonly key: ContainerKey;
  readonly endpoints: readonly Endpoint[];
  readonly live?: LiveNetwork;
}

/** Makes what is cut in the kernel what these containers, all of the machine's, say; nothing is left when none is. */
export function cutOperations(containers: readonly Cuttable[]): readonly HostOp[] {
  const gone = CUT_TABLES.map((table) => `add table ${table}\ndelete table ${table}\n`).join('');
  const members = cutMembers(containers);
  return [{ op: 'nft', script: members.length === 0 ? gone : gone + tables(members) }];
}

/** A member of one of our sets: as `parseTable()` has them, without quotes. */
interface Member {
  readonly set: keyof typeof SETS;
  readonly parts: readonly string[];
}

const SETS = {
  alone: { table: CUT_TABLES[0], type: 'ifname' },
  pairs: { table: CUT_TABLES[0], type: 'ifname . ifname' },
  pairs4: { table: CUT_TABLES[1], type: 'ipv4_addr . ipv4_addr' },
  pairs6: { table: CUT_TABLES[1], type: 'ipv6_addr . ipv6_addr' },
} as const;

const CHAINS = [
  [CUT_TABLES[0], 'prerouting', ['iifname @alone drop']],
  [CUT_TABLES[0], 'forward', ['iifname . oifname @pairs drop']],
  [CUT_TABLES[0], 'postrouting', ['oifname @alone drop']],
  [
    CUT_TABLES[1],
    'forward',
    [
      'ct original ip saddr . ct reply ip saddr @pairs4 drop',
      'ct original ip6 saddr . ct reply ip6 saddr @pairs6 drop',
    ],
  ],
] as const;

const NEIGHBOURS = ['ether type arp accept', 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept'];
/** Before whatever else judges packets. */
const PRIORITY = -350;

function tables(members: readonly Member[]): string {
  const lines: string[] = CUT_TABLES.map((table) => `add table ${table}`);
  for (const [set, { table, type }] of Object.entries(SETS)) lines.push(`add set ${table} ${set} { type ${type}; }`);
  for (const [table, chain, rules] of CHAINS) {
    lines.push(`add chain ${table} ${chain} { type filter hook ${chain} priority ${PRIORITY}; policy accept; }`);
    const all = table === CUT_TABLES[0] ? [...NEIGHBOURS, ...rules] : rules;
    for (const rule of all) lines.push(`add rule ${table} ${chain} ${rule}`);
  }
  for (const { set, parts } of members) {
    const words = SETS[set].table === CUT_TABLES[0] ? parts.map(quoted) : parts;
    lines.push(`add element ${SETS[set].table} ${set} { ${words.join(' . ')} }`);
  }
  return `${lines.join('\n')}\n`;
}

/** Members that are to be there for one of them, as `parseTable()` shows them. */
export function cutMemberNames(containers: readonly Cuttable[], key: ContainerKey): readonly string[] {
  return cutMembers(containers, machineName(key)).map(({ set, parts }) => `${set} ${parts.join(' . ')}`);
}

function cutMembers(containers: readonly Cuttable[], only?: string): readonly Member[] {
  const byName = new Map(containers.map((each) => [machineName(each.key), each]));
  const wanted = only === undefined ? containers : [byName.get(only) ?? []].flat();
  const members = wanted.flatMap((container): Member[] =>
    (container.live?.cuts ?? []).flatMap(({ from, network }): Member[] => {
      const own = on(container, network);
      if (from === undefined) return own.map(({ hostInterface }) => ({ set: 'alone', parts: [hostInterface] }));
      const other = byName.get(from);
      // One that was replaced since then is another container.
      return other !== undefined && isCutFrom(other, container, network) ? pairsOf(own, on(other, network)) : [];
    }),
  );
  return [...new Map(members.map((member) => [`${member.set} ${member.parts.join(' ')}`, member])).values()];
}

function isCutFrom({ live }: Cuttable, { key }: Cuttable, network: string | undefined): boolean {
  return (live?.cuts ?? []).some((cut) => cut.from === machineName(key) && cut.network === network);
}

function on({ endpoints }: Cuttable, network: string | undefined): readonly BridgeEndpoint[] {
  return endpoints.filter(isOnBridge).filter((endpoint) => network === undefined || endpoint.network === network);
}

/** One way; the other container has the way back. */
function pairsOf(own: readonly BridgeEndpoint[], others: readonly BridgeEndpoint[]): Member[] {
  return own.flatMap((left) =>
    others.flatMap((right): Member[] => [
      ...(left.networkName === right.networkName
        ? [{ set: 'pairs' as const, parts: [left.hostInterface, right.hostInterface] }]
        : []),
      ...addressPair('pairs4', left.ipv4, right.ipv4),
      ...addressPair('pairs6', left.ipv6, right.ipv6),
    ]),
  );
}

function addressPair(set: 'pairs4' | 'pairs6', left: string | undefined, right: string | undefined): Member[] {
  return left === undefined || right === undefined ? [] : [{ set, parts: [withoutPrefix(left), withoutPrefix(right)] }];
}
