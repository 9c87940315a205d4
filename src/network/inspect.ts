import type { Host } from '../host/host.ts';
import type { Endpoint, PublishedPort } from '../model/container.ts';
import { mtuOf } from '../model/network-options.ts';
import type { Drift, Listener, Route } from '../model/observed.ts';
import { type HostSettings, networkElements } from './bridge.ts';
import { isOnBridge } from './bridge-endpoint.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import { prefixOf } from './cidr.ts';
import { CUT_TABLES } from './cut.ts';
import { endpointGuard } from './guard.ts';
import { type Element, TABLE } from './nft.ts';
import { isOverlay, tunnelDrift } from './overlay.ts';
import { type Link, parseLinks, parseRoutes, parseRoutes6, parseTunnels } from './parse-ip.ts';
import { parseTables, type TableState } from './parse-nft.ts';
import { parseListeners } from './parse-ss.ts';
import { openElements, portTargets } from './ports.ts';
import { ruleCounts } from './ruleset.ts';
import { parseQdiscs, type Qdiscs, shapeDrift } from './shape-drift.ts';

/** One look at the kernel's network state, enough for all questions below. */
export interface NetworkState {
  /** Interfaces of the host by name. */
  readonly links: ReadonlyMap<string, Link>;
  readonly routes: readonly Route[];
  readonly netns: ReadonlySet<string>;
  /** `tcp 127.0.0.1 8080` → `10.1.2.3 80`; hostIp `*` for all addresses, `::` for all IPv6 ones. */
  readonly publishedPorts: ReadonlyMap<string, string>;
  /** Bridges that our nft table knows. */
  readonly bridges: ReadonlySet<string>;
  /** Where the tunnels of overlays lead to, by interface; absent: not looked at. */
  readonly tunnels?: ReadonlyMap<string, ReadonlySet<string>>;
  /** The rest of our table: see `TableState`. */
  readonly table: Pick<TableState, 'members' | 'rules'>;
  /** Absent: nobody asked for them. */
  readonly qdiscs?: Qdiscs;
  /** Members of the sets of who is cut off, as `TableState.members`; absent: nobody asked for them. */
  readonly cuts?: ReadonlySet<string>;
}

/** What is looked at only where something of it is wanted: each is a process more. */
interface Look {
  readonly shaped?: boolean;
  readonly cut?: boolean;
  readonly tunnels?: boolean;
}

/**
 * Reads links, addresses, routes, namespaces and our nft tables: four processes, run at once, and more for queueing
 * disciplines, cuts and the tunnels of overlays where that is asked for.
 */
export async function inspectNetwork(host: Host, look: Look = {}): Promise<NetworkState> {
  const [links, routes, packets, frames, qdiscs, cuts, entries] = await Promise.all([
    host.run(['ip', '-j', 'addr', 'show']),
    // All tables: VPNs keep theirs apart from the main one.
    host.run(['ip', '-j', '-4', 'route', 'show', 'table', 'all', 'type', 'unicast']),
    host.run(['nft', '-j', 'list', 'table', 'inet', 'tsstack'], { allowFailure: true }),
    host.run(['nft', '-j', 'list', 'table', 'bridge', 'tsstack'], { allowFailure: true }),
    look.shaped === true ? host.run(['tc', '-j', 'qdisc', 'show']) : undefined,
    look.cut === true ? inspectCuts(host) : undefined,
    look.tunnels === true ? host.run(['bridge', '-j', 'fdb', 'show']) : undefined,
  ]);
  const { bridges, publishedPorts, members, rules } = parseTables(
    [packets, frames].map((table) => (table.exitCode === 0 ? parseJson(table.stdout) : undefined)),
  );
  return {
    links: parseLinks(parseJson(links.stdout)),
    routes: [...parseRoutes(parseJson(routes.stdout)), ...parseRoutes6(host.readText('/proc/net/ipv6_route') ?? '')],
    netns: new Set(host.readDirectory('/run/netns')),
    publishedPorts,
    bridges,
    table: { members, rules },
    ...(cuts !== undefined && { cuts }),
    ...(qdiscs !== undefined && { qdiscs: parseQdiscs(parseJson(qdiscs.stdout)) }),
    ...(entries !== undefined && { tunnels: parseTunnels(parseJson(entries.stdout)) }),
  };
}

async function inspectCuts(host: Host): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    CUT_TABLES.map((table) => host.run(['nft', '-j', 'list', 'table', ...table.split(' ')], { allowFailure: true })),
  );
  return new Set(
    tables.flatMap(({ exitCode, stdout }) => (exitCode === 0 ? [...parseTables([parseJson(stdout)]).members] : [])),
  );
}

/** ip prints nothing at all, not an empty list, for a namespace without routes. */
function parseJson(text: string): unknown {
  return text.trim() === '' ? [] : JSON.parse(text);
}

/** Sockets of the host that listen, with their owners (`ss`). `outside`: the host is another network than ours. */
export async function listListeners(
  host: Host,
  outside?: { readonly listeners: () => Promise<string> },
): Promise<readonly Listener[]> {
  if (outside !== undefined) return parseListeners(await outside.listeners());
  const { stdout } = await host.run(['ss', '-Hlntup']);
  return parseListeners(stdout);
}

/** What `prepareHost()` and iproute2 change, as it is now. */
export function readHostSettings(host: Host): HostSettings {
  const sysctl = (name: string) => (host.readText(`/proc/sys/net/${name}`) ?? '').trim();
  const mounts = host.readText('/proc/self/mountinfo') ?? '';
  return {
    ipv4Forward: sysctl('ipv4/ip_forward'),
    ipv4AcceptRedirects: sysctl('ipv4/conf/all/accept_redirects'),
    ipv6Forward: sysctl('ipv6/conf/all/forwarding'),
    netnsMounted: mounts.split('\n').some((line) => line.split(' ')[4] === '/run/netns'),
    netnsDirectory: host.stat('/run/netns') !== undefined,
    netnsCount: host.readDirectory('/run/netns').length,
  };
}

/** What is missing or different of a network: its bridge, the bridge's addresses, its nft rules. */
export function networkDrift(state: NetworkState, network: BridgeNetwork): readonly Drift[] {
  const link = state.links.get(network.bridge);
  if (link === undefined) return [drift(`bridge ${network.bridge} is missing`)];
  const found: Drift[] = [];
  if (!link.up) found.push(drift(`bridge ${network.bridge} is down`));
  const mtu = mtuOf(network);
  if (mtu !== undefined && link.mtu !== mtu)
    found.push(drift(`bridge ${network.bridge} has MTU ${link.mtu}, not ${mtu}`));
  for (const [gateway, subnet] of [
    [network.gateway4, network.subnet4],
    [network.gateway6, network.subnet6],
  ]) {
    if (gateway === undefined || subnet === undefined) continue;
    const address = `${gateway}/${prefixOf(subnet)}`;
    if (!link.addresses.includes(address)) found.push(drift(`bridge ${network.bridge} lacks address ${address}`));
  }
  return [...found, ...(isOverlay(network) ? tunnelDrift(state, network) : []), ...tableDrift(state, network)];
}

/** A chain with another number of rules, or a set without what the network needs there. */
function tableDrift({ bridges, table }: NetworkState, network: BridgeNetwork): readonly Drift[] {
  if (!bridges.has(network.bridge)) return [drift(`nft table inet tsstack lacks bridge ${network.bridge}`)];
  const chains = [...ruleCounts()].flatMap(([chain, count]) => {
    const present = table.rules.get(chain) ?? 0;
    return present === count ? [] : drift(`nft chain ${chain} has ${present} rules, not ${count}`);
  });
  return [...chains, ...missingMembers({ table }, networkElements(network))];
}

function missingMembers(
  { table: { members } }: Pick<NetworkState, 'table'>,
  elements: readonly Element[],
): readonly Drift[] {
  return elements.flatMap(({ table = TABLE, set, text }) => {
    const member = text.replaceAll('"', '');
    return members.has(`${set} ${member}`) ? [] : drift(`nft set ${table} ${set} lacks ${member}`);
  });
}

/** What is missing or different of a container's network: namespace, links (as the host sees them), published ports. */
export function endpointDrift(
  state: NetworkState,
  netns: string,
  endpoints: readonly Endpoint[],
  ports: readonly PublishedPort[],
): readonly Drift[] {
  if (!state.netns.has(netns)) return [drift(`network namespace ${netns} is missing`)];
  const found: Drift[] = [];
  for (const endpoint of endpoints) {
    if (!isOnBridge(endpoint)) continue;
    const { hostInterface, bridge } = endpoint;
    const link = state.links.get(hostInterface);
    if (link === undefined) found.push(drift(`veth ${hostInterface} is missing`));
    else if (link.master !== bridge) found.push(drift(`veth ${hostInterface} is not on bridge ${bridge}`));
    else if (!link.up) found.push(drift(`veth ${hostInterface} is down`));
    found.push(...missingMembers(state, endpointGuard(endpoint, false)));
  }
  if (state.qdiscs !== undefined) found.push(...shapeDrift(state.qdiscs, endpoints));
  for (const [from, to] of portTargets(ports, endpoints)) {
    const present = state.publishedPorts.get(from);
    if (present === to) continue;
    const message =
      present === undefined ? `port ${from} is not published` : `port ${from} leads to ${present}, not ${to}`;
    found.push({ kind: 'ports', message });
  }
  for (const { set, text } of openElements(ports, endpoints)) {
    if (!state.table.members.has(`${set} ${text}`))
      found.push({ kind: 'ports', message: `nft set inet tsstack ${set} lacks ${text}` });
  }
  return found;
}

function drift(message: string): Drift {
  return { kind: 'network', message };
}

/** Reads back the JSON of `readHostSettings()`; undefined when it is missing or not that. */
export function parseHostSettings(json: string | undefined): HostSettings | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { ipv4Forward, ipv4AcceptRedirects, ipv6Forward, netnsMounted, netnsDirectory, netnsCount } = value as Readonly<
    Record<string, unknown>
  >;
  if (typeof ipv4Forward !== 'string' || typeof ipv4AcceptRedirects !== 'string' || typeof ipv6Forward !== 'string') {
    return undefined;
  }
  return {
    ipv4Forward,
    ipv4AcceptRedirects,
    ipv6Forward,
    netnsMounted: netnsMounted === true,
    netnsDirectory: netnsDirectory === true,
    netnsCount: typeof netnsCount === 'number' ? netnsCount : 0,
  };
}
