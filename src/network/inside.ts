import type { Host } from '../host/host.ts';
import type { Endpoint } from '../model/container.ts';
import type { Drift } from '../model/observed.ts';
import { addressToNumber, withoutPrefix } from './cidr.ts';

/** What a network namespace has, by /proc/PID/net. */
interface Inside {
  readonly devices: string;
  /** Local addresses: `10.1.2.3`, and of IPv6 with their interface: `fd00::1 eth0`. */
  readonly addresses: ReadonlySet<string>;
  /** Interface, destination and gateway, in hexadecimal as the files have them. */
  readonly routes: readonly { readonly device: string; readonly to: string; readonly via: string }[];
}

/**
 * What of its endpoints a process lacks in its own network namespace, by /proc/PID/net: interfaces that are up, addresses,
 * the default routes. No process is needed for that, however many containers there are.
 */
export function insideDrift(host: Host, pid: number, endpoints: readonly Endpoint[]): readonly Drift[] {
  const inside = readInside(host, pid);
  if (inside === undefined) return [];
  return endpoints.flatMap((endpoint): Drift[] => {
    const message = lackOf(inside, endpoint);
    return message === undefined
      ? []
      : [{ kind: 'network', message: `${endpoint.containerInterface} ${message} in the container` }];
  });
}

function readInside(host: Host, pid: number): Inside | undefined {
  const read = (name: string): string | undefined => host.readText(`/proc/${pid}/net/${name}`);
  const [devices, trie, routes] = [read('dev'), read('fib_trie'), read('route')];
  if (devices === undefined || trie === undefined || routes === undefined) return undefined;
  // Neither file is there on a kernel without IPv6.
  return {
    devices,
    addresses: new Set([...localAddresses(trie), ...localAddresses6(read('if_inet6') ?? '')]),
    routes: [
      ...fieldsOf(routes, '\t').map(([device = '', to = '', via = '']) => ({ device, to, via })),
      ...fieldsOf(read('ipv6_route') ?? '', /\s+/).map(([to = '', prefix, , , via = '', , , , , device = '']) => ({
        device,
        to: `${to}/${prefix}`,
        via,
      })),
    ],
  };
}

function fieldsOf(text: string, separator: string | RegExp): readonly string[][] {
  return text.split('\n').map((line) => line.trim().split(separator));
}

/** In words, the first thing that is missing. */
function lackOf({ devices, addresses, routes }: Inside, endpoint: Endpoint): string | undefined {
  const { containerInterface, hostInterface, parent, ipv4, ipv6, linkLocal = [], gateway4, gateway6 } = endpoint;
  if (!devices.split('\n').some((line) => line.trimStart().startsWith(`${containerInterface}:`))) {
    return `(of ${hostInterface ?? parent?.device}) is missing`;
  }
  const wanted = [ipv4, ipv6, ...linkLocal].filter((address) => address !== undefined);
  const lacking = wanted.find((address) => {
    const plain = withoutPrefix(address);
    return !addresses.has(plain.includes(':') ? `${hex(plain)} ${containerInterface}` : plain);
  });
  if (lacking !== undefined) return `lacks address ${lacking}`;
  // The kernel takes the routes of an interface that is not up away.
  const own = routes.filter(({ device }) => device === containerInterface);
  if (wanted.length > 0 && own.length === 0) return 'is down';
  const gateway = [gateway4, gateway6].find((each) => each !== undefined && !own.some((route) => leadsBy(route, each)));
  if (gateway !== undefined) return `lacks the default route by ${gateway}`;
  const lost = endpoint.defaultRoute === true && !own.some(({ to }) => isEverything(to));
  return lost ? 'lacks the default route' : undefined;
}

function leadsBy({ to, via }: Inside['routes'][number], gateway: string): boolean {
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
