import type { Route } from '../model/observed.ts';
import { formatBlock, parseBlock } from './cidr.ts';

/** An interface of the host. */
export interface Link {
  readonly up: boolean;
  readonly mtu?: number;
  /** Bridge that it is a port of. */
  readonly master?: string;
  /** `10.1.2.1/24`. */
  readonly addresses: readonly string[];
}

/** Reads `ip -j addr show`; what has not the expected form is left out. */
export function parseLinks(json: unknown): ReadonlyMap<string, Link> {
  const links = new Map<string, Link>();
  for (const entry of records(json)) {
    if (typeof entry['ifname'] !== 'string') continue;
    const { master, mtu } = entry;
    const addresses = records(entry['addr_info']).flatMap(({ local, prefixlen }) =>
      typeof local === 'string' && typeof prefixlen === 'number' ? [`${local}/${prefixlen}`] : [],
    );
    links.set(entry['ifname'], {
      up: Array.isArray(entry['flags']) && entry['flags'].includes('UP'),
      ...(typeof mtu === 'number' && { mtu }),
      ...(typeof master === 'string' && { master }),
      addresses,
    });
  }
  return links;
}

/** Reads `ip -j -4 route show`, without default routes; what has not the expected form is left out. */
export function parseRoutes(json: unknown): readonly Route[] {
  const routes: Route[] = [];
  for (const { dst, dev, nexthops } of records(json)) {
    if (typeof dst !== 'string' || dst === 'default') continue;
    const hop = records(nexthops)[0]?.['dev'];
    const device = typeof dev === 'string' ? dev : typeof hop === 'string' ? hop : '';
    const destination = blockText(dst);
    if (destination !== undefined) routes.push({ destination, device });
  }
  return routes;
}

function blockText(text: string): string | undefined {
  try {
    return formatBlock(parseBlock(text));
  } catch {
    return undefined;
  }
}

/** Flags of a route to the machine itself or to nowhere: RTF_LOCAL, RTF_ANYCAST, RTF_REJECT (linux/ipv6_route.h, route.h). */
const NOT_UNICAST = 0x80000000 | 0x00100000 | 0x0200;

/**
 * Reads /proc/net/ipv6_route (all tables) without default, local, link-local and multicast routes, for which `ip` would
 * need a process of its own: destination, prefix length, source, …, flags, device.
 */
export function parseRoutes6(text: string): readonly Route[] {
  const routes: Route[] = [];
  for (const line of text.split('\n')) {
    // Every interface has some of these: most lines are not looked at further.
    if (/^(fe[89ab]|ff)/.test(line)) continue;
    const [destination = '', prefix = '', , , , , , , flags = '', device = ''] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(destination) || prefix === '00') continue;
    if ((Number.parseInt(flags, 16) & NOT_UNICAST) !== 0) continue;
    const address = BigInt(`0x${destination}`);
    routes.push({
      destination: formatBlock({ bits: 128, prefix: Number.parseInt(prefix, 16), first: address }),
      device,
    });
  }
  return routes;
}

/** Reads `bridge -j fdb show`: where frames for everyone are sent to, by VXLAN interface. */
export function parseTunnels(json: unknown): ReadonlyMap<string, ReadonlySet<string>> {
  const tunnels = new Map<string, Set<string>>();
  for (const { mac, ifname, dst } of records(json)) {
    if (mac !== '00:00:00:00:00:00' || typeof ifname !== 'string' || typeof dst !== 'string') continue;
    tunnels.set(ifname, (tunnels.get(ifname) ?? new Set()).add(dst));
  }
  return tunnels;
}

function records(json: unknown): readonly Record<string, unknown>[] {
  if (!Array.isArray(json)) return [];
  return json.filter((entry) => typeof entry === 'object' && entry !== null);
}
