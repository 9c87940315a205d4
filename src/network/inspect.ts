import type { Host } from '../host/host.ts';
import type { Endpoint, NetworkSpec, PublishedPort } from '../model/container.ts';
import type { Drift, Listener, Route } from '../model/observed.ts';
import { type HostSettings, networkElements } from './bridge.ts';
import { prefixOf } from './cidr.ts';
import { type Link, parseLinks, parseRoutes, parseRoutes6 } from './parse-ip.ts';
import { parseTable, type TableState } from './parse-nft.ts';
import { parseListeners } from './parse-ss.ts';
import { portTargets } from './ports.ts';
import { ruleCounts } from './ruleset.ts';

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
  /** The rest of our table: see `TableState`. */
  readonly table: Pick<TableState, 'members' | 'rules'>;
}

/** Reads links, addresses, routes, namespaces and our nft table: three processes at most, run at once. */
export async function inspectNetwork(host: Host): Promise<NetworkState> {
  const [links, routes, table] = await Promise.all([
    host.run(['ip', '-j', 'addr', 'show']),
    // All tables: VPNs keep theirs apart from the main one.
    host.run(['ip', '-j', '-4', 'route', 'show', 'table', 'all', 'type', 'unicast']),
    host.run(['nft', '-j', 'list', 'table', 'inet', 'tsstack'], { allowFailure: true }),
  ]);
  const { bridges, publishedPorts, members, rules } = parseTable(
    table.exitCode === 0 ? parseJson(table.stdout) : undefined,
  );
  return {
    links: parseLinks(parseJson(links.stdout)),
    routes: [...parseRoutes(parseJson(routes.stdout)), ...parseRoutes6(host.readText('/proc/net/ipv6_route') ?? '')],
    netns: new Set(host.readDirectory('/run/netns')),
    publishedPorts,
    bridges,
    table: { members, rules },
  };
}

/** ip prints nothing at all, not an empty list, for a namespace without routes. */
function parseJson(text: string): unknown {
  return text.trim() === '' ? [] : JSON.parse(text);
}

/** Sockets of the host that listen, with their owners (`ss`). */
export async function listListeners(host: Host): Promise<readonly Listener[]> {
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
export function networkDrift(state: NetworkState, network: NetworkSpec): readonly Drift[] {
  const link = state.links.get(network.bridge);
  if (link === undefined) return [drift(`bridge ${network.bridge} is missing`)];
  const found: Drift[] = [];
  if (!link.up) found.push(drift(`bridge ${network.bridge} is down`));
  for (const [gateway, subnet] of [
    [network.gateway4, network.subnet4],
    [network.gateway6, network.subnet6],
  ]) {
    if (gateway === undefined || subnet === undefined) continue;
    const address = `${gateway}/${prefixOf(subnet)}`;
    if (!link.addresses.includes(address)) found.push(drift(`bridge ${network.bridge} lacks address ${address}`));
  }
  return [...found, ...tableDrift(state, network)];
}

/** A chain with another number of rules, or a set without what the network needs there. */
function tableDrift({ bridges, table }: NetworkState, network: NetworkSpec): readonly Drift[] {
  if (!bridges.has(network.bridge)) return [drift(`nft table inet tsstack lacks bridge ${network.bridge}`)];
  const chains = [...ruleCounts()].flatMap(([chain, count]) => {
    const present = table.rules.get(chain) ?? 0;
    return present === count ? [] : drift(`nft chain inet tsstack ${chain} has ${present} rules, not ${count}`);
  });
  const sets = networkElements(network).flatMap(({ set, text }) => {
    const member = text.replaceAll('"', '');
    return table.members.has(`${set} ${member}`) ? [] : drift(`nft set inet tsstack ${set} lacks ${member}`);
  });
  return [...chains, ...sets];
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
  for (const { hostInterface, bridge } of endpoints) {
    const link = state.links.get(hostInterface);
    if (link === undefined) found.push(drift(`veth ${hostInterface} is missing`));
    else if (link.master !== bridge) found.push(drift(`veth ${hostInterface} is not on bridge ${bridge}`));
    else if (!link.up) found.push(drift(`veth ${hostInterface} is down`));
  }
  for (const [from, to] of portTargets(ports, endpoints)) {
    const present = state.publishedPorts.get(from);
    if (present === to) continue;
    const message =
      present === undefined ? `port ${from} is not published` : `port ${from} leads to ${present}, not ${to}`;
    found.push({ kind: 'ports', message });
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
