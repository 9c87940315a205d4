import type { Host } from '../host/host.ts';
import { once } from '../lib/once.ts';
import type { Endpoint } from '../model/container.ts';
import type { Drift } from '../model/observed.ts';
import { addressToNumber, withoutPrefix } from './cidr.ts';

/** What a network namespace has, by /proc/PID/net. Each file is read when a question cannot be answered without it. */
interface Inside {
  /** undefined: the process has gone meanwhile. */
  readonly hasDevice: (name: string) => boolean | undefined;
  /** Is it a local address? `10.1.2.3`; of IPv6 `fd00::1`, on this interface. */
  readonly hasAddress: (address: string, device: string) => boolean;
  readonly hasRoute: (matches: (route: Route) => boolean) => boolean;
}

/** Interface, destination and gateway, in hexadecimal as the files have them. */
interface Route {
  readonly device: string;
  readonly to: string;
  readonly via: string;
}

/**
 * What of its endpoints a process lacks in its own network namespace, by /proc/PID/net: interfaces that are up, addresses,
 * the default routes. No process is needed for that, however many containers there are.
 */
export function insideDrift(host: Host, pid: number, endpoints: readonly Endpoint[]): readonly Drift[] {
  const inside = lookInside(host, pid);
  if (inside === undefined) return [];
  return endpoints.flatMap((endpoint): Drift[] => {
    const message = lackOf(inside, endpoint);
    return message === undefined
      ? []
      : [{ kind: 'network', message: `${endpoint.containerInterface} ${message} in the container` }];
  });
}

/** undefined: the process is gone. */
function lookInside(host: Host, pid: number): Inside | undefined {
  const read = once((name) => host.readText(`/proc/${pid}/net/${name}`));
  const [trie, table] = [read('fib_trie'), read('route')];
  if (trie === undefined || table === undefined) return undefined;
  const addresses = localAddresses(trie);
  const routes = fieldsOf(table, '\t').map(([device = '', to = '', via = '']) => ({ device, to, via }));
  return {
    hasDevice: (name) =>
      routes.some(({ device }) => device === name) ||
      read('dev')
        ?.split('\n')
        .some((line) => line.trimStart().startsWith(`${name}:`)),
    // Neither file of IPv6 is there on a kernel without it.
    hasAddress: (address, device) =>
      address.includes(':')
        ? localAddresses6(read('if_inet6') ?? '').includes(`${hex(address)} ${device}`)
        : addresses.has(address),
    hasRoute: (matches) => routes.some(matches) || routesOf6(read('ipv6_route') ?? '').some(matches),
  };
}

function fieldsOf(text: string, separator: string | RegExp): readonly string[][] {
  return text.split('\n').map((line) => line.trim().split(separator));
}

/** In words, the first thing that is missing. */
function lackOf({ hasDevice, hasAddress, hasRoute }: Inside, endpoint: Endpoint): string | undefined {
  const { containerInterface, hostInterface, parent, ipv4, ipv6, linkLocal = [], gateway4, gateway6 } = endpoint;
  const isThere = hasDevice(containerInterface);
  if (isThere === undefined) return undefined;
  if (!isThere) return `(of ${hostInterface ?? parent?.device}) is missing`;
  const wanted = [ipv4, ipv6, ...linkLocal].filter((address) => address !== undefined);
  const lacking = wanted.find((address) => !hasAddress(withoutPrefix(address), containerInterface));
  if (lacking !== undefined) return `lacks address ${lacking}`;
  // The kernel takes the routes of an interface that is not up away.
  const isOwn = ({ device }: Route): boolean => device === containerInterface;
  if (wanted.length > 0 && !hasRoute(isOwn)) return 'is down';
  const gateway = [gateway4, gateway6].find(
    (each) => each !== undefined && !hasRoute((route) => isOwn(route) && leadsBy(route, each)),
  );
  if (gateway !== undefined) return `lacks the default route by ${gateway}`;
  const lost = endpoint.defaultRoute === true && !hasRoute((route) => isOwn(route) && isEverything(route.to));
  return lost ? 'lacks the default route' : undefined;
}

function leadsBy({ to, via }: Route, gateway: string): boolean {
  return isEverything(to) && via.toLowerCase() === hex(gateway);
}

function isEverything(to: string): boolean {
  return /^0+(\/00)?$/.test(to);
}

/** /proc/net/fib_trie has a line with the address before each `/32 host LOCAL`. */
function localAddresses(trie: string): ReadonlySet<string> {
  return new Set([...trie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address));
}

/** /proc/net/if_inet6 (Documentation of proc_net): address, index, prefix length, scope, flags, interface. */
function localAddresses6(text: string): readonly string[] {
  return fieldsOf(text, /\s+/).map(([address = '', , , , , device = '']) => `${address} ${device}`);
}

function routesOf6(text: string): readonly Route[] {
  return fieldsOf(text, /\s+/).map(([to = '', prefix, , , via = '', , , , , device = '']) => ({
    device,
    to: `${to}/${prefix}`,
    via,
  }));
}

/** As /proc/net/route prints it, the bytes in network order read as a little-endian number; of IPv6 all 32 digits. */
function hex(address: string): string {
  if (address.includes(':')) return addressToNumber(address).toString(16).padStart(32, '0');
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return bytes.reverse().join('');
}

/** A port of a bridge that may talk to its neighbours though it should not. */
export function isolationDrift(host: Host, endpoints: readonly Endpoint[]): readonly Drift[] {
  return endpoints.flatMap(({ isolated, hostInterface }): Drift[] => {
    const found =
      isolated === true && hostInterface !== undefined
        ? host.readText(`/sys/class/net/${hostInterface}/brport/isolated`)?.trim()
        : undefined;
    return found === '0' ? [{ kind: 'network', message: `veth ${hostInterface} is not isolated` }] : [];
  });
}
