import type { Host } from '../host/host.ts';
import type { ContainerSpec, Endpoint } from '../model/container.ts';

/** A container that others may call by name. */
export interface Peer {
  readonly endpoints: readonly Endpoint[];
}

/** Lines of /etc/hosts, each once, and their text with a line feed after each. */
export interface PeerLines {
  readonly lines: ReadonlySet<string>;
  readonly text: string;
}

/** As Docker and Debian write them. */
const LOCAL_HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/**
 * /etc/hosts of a container: localhost, its own names, `extra_hosts` (`host-gateway` is its gateway), and the names of
 * every peer on a network that it shares: `peerLines()`. A name of `extra_hosts` comes before a peer's of the same name:
 * the first line counts.
 */
export function hostsFile(spec: ContainerSpec, endpoints: readonly Endpoint[], peers: PeerLines): string {
  const own = [...LOCAL_HOSTS, ...ownLines(spec, endpoints), ...extraLines(spec, endpoints), ...nameLines(endpoints)];
  const lines = new Set(own);
  let text = `${[...lines].join('\n')}\n${peers.text}`;
  // What is said already is cut out of the long text, which all share. What is cut is the last: the first is our own.
  for (const line of lines) if (peers.lines.has(line)) text = withoutLast(text, line);
  return text;
}

function withoutLast(text: string, line: string): string {
  const start = text.lastIndexOf(`\n${line}\n`) + 1;
  return text.slice(0, start) + text.slice(start + line.length + 1);
}

/** What /etc/hosts says of everybody on these networks, each line once: the same for all that are on them. */
export function peerLines(networks: ReadonlySet<string>, peers: readonly Peer[]): PeerLines {
  const endpoints = peers.flatMap((peer) => peer.endpoints.filter(({ networkName }) => networks.has(networkName)));
  const lines = new Set(nameLines(endpoints));
  return { lines, text: [...lines].map((line) => `${line}\n`).join('') };
}

function nameLines(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.flatMap((endpoint) => addressLines(endpoint, endpoint.names));
}

/** 127.0.1.1 is Debian's address for a host name without a network (Debian reference, 5.1.1). */
function ownLines(spec: ContainerSpec, endpoints: readonly Endpoint[]): readonly string[] {
  if (spec.hostname === '') return [];
  const full = spec.domainname === '' ? [] : [`${spec.hostname}.${spec.domainname}`];
  const names = [...full, spec.hostname];
  const own = endpoints.flatMap((endpoint) => addressLines(endpoint, names));
  return own.length > 0 ? own : [`127.0.1.1\t${names.join(' ')}`];
}

function extraLines(spec: ContainerSpec, endpoints: readonly Endpoint[]): readonly string[] {
  return spec.extraHosts.flatMap(({ host, address }) => {
    const addresses = address === 'host-gateway' ? hostGateways(spec, endpoints) : [address];
    return addresses.map((each) => `${each}\t${host}`);
  });
}

/** What `host-gateway` stands for in a container. */
export function hostGateways(
  spec: Pick<ContainerSpec, 'networkMode'>,
  endpoints: readonly Endpoint[],
): readonly string[] {
  if (spec.networkMode.type === 'host') return ['127.0.0.1'];
  // The gateway of a macvlan is a machine beside the host, which its containers do not reach.
  const bridged = endpoints.filter(({ bridge }) => bridge !== undefined);
  const ipv4 = bridged.find((endpoint) => endpoint.gateway4 !== undefined)?.gateway4;
  const ipv6 = bridged.find((endpoint) => endpoint.gateway6 !== undefined)?.gateway6;
  return [ipv4, ipv6].filter((address) => address !== undefined);
}

function addressLines(endpoint: Endpoint, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [endpoint.ipv4, endpoint.ipv6]
    .filter((address) => address !== undefined)
    .map((address) => `${address.split('/', 1)[0]}\t${[...new Set(names)].join(' ')}`);
}

/**
 * /etc/resolv.conf of a container: `dns_search` and `dns_opt`, each else the host's own, and one server: `nameServer`,
 * a gateway on which we answer, which asks the servers of `dns` itself. A server of `dns` on a loopback address is the
 * container's own, which only the container can ask: then the file says what the stack file says.
 *
 * Without `nameServer` it names those of `dns`, else the host's own without loopback servers, which are not there in the
 * container's network namespace. If none is left, none is written: names of the stack are in /etc/hosts, others fail at
 * once, and no query of the user's goes to a public server that he did not choose.
 */
export function resolvConf(spec: ContainerSpec, hostResolvConf: string, nameServer?: string): string {
  const host = parseResolvConf(hostResolvConf);
  const shareHost = spec.networkMode.type === 'host';
  const ours = spec.dns.some(isLoopback) ? undefined : nameServer;
  const theirs = spec.dns.length > 0 ? spec.dns : host.servers.filter((server) => shareHost || !isLoopback(server));
  const servers = ours === undefined ? theirs : [ours];
  const search = spec.dnsSearch.length > 0 ? spec.dnsSearch : host.search;
  const written = spec.dnsOptions.length > 0 ? spec.dnsOptions : host.options;
  // Names of services have no dot: they are not to be tried in every domain of `search` first.
  const known = written.some((option) => option.startsWith('ndots:'));
  const options = ours === undefined || known ? written : [...written, 'ndots:0'];
  const lines = servers.map((server) => `nameserver ${server}`);
  // `dns_search: .` means none (resolv.conf(5) would search the root).
  if (search.length > 0 && search.join() !== '.') lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** The list that systemd-resolved itself asks, where /etc/resolv.conf names only its stub on 127.0.0.53. */
const RESOLVED_UPSTREAMS = '/run/systemd/resolve/resolv.conf';

/** The host's resolver configuration that is of use in a container, for `resolvConf()`. */
export function readHostResolvConf(host: Host): string {
  const own = host.readText('/etc/resolv.conf') ?? '';
  if (parseResolvConf(own).servers.some((server) => !isLoopback(server))) return own;
  return host.readText(RESOLVED_UPSTREAMS) ?? own;
}

interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** resolv.conf(5): the last `search` counts, `domain` is an old form of it, options add up. */
function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  const options: string[] = [];
  let search: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1));
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options') options.push(...values);
  }
  return { servers, search, options };
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
