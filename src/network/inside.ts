import type { Host } from '../host/host.ts';
import type { Endpoint } from '../model/container.ts';
import type { Drift } from '../model/observed.ts';
import { withoutPrefix } from './cidr.ts';

/**
 * What of its endpoints a process lacks in its own network namespace, by /proc/PID/net: interfaces that are up, addresses,
 * the default route. No process is needed for that, however many containers there are.
 */
export function insideDrift(host: Host, pid: number, endpoints: readonly Endpoint[]): readonly Drift[] {
  const read = (name: string): string | undefined => host.readText(`/proc/${pid}/net/${name}`);
  const [devices, trie, routes] = [read('dev'), read('fib_trie'), read('route')];
  if (devices === undefined || trie === undefined || routes === undefined) return [];
  const own = localAddresses(trie);
  return endpoints.flatMap(({ containerInterface, ipv4, gateway4, hostInterface }): Drift[] => {
    const lacks = (what: string): Drift[] => [
      { kind: 'network', message: `${containerInterface} ${what} in the container` },
    ];
    if (!new RegExp(`^ *${containerInterface}:`, 'm').test(devices)) return lacks(`(of ${hostInterface}) is missing`);
    if (ipv4 === undefined) return [];
    if (!own.has(withoutPrefix(ipv4))) return lacks(`lacks address ${ipv4}`);
    const ways = routes.split('\n').map((line) => line.split('\t'));
    if (!ways.some(([device]) => device === containerInterface)) return lacks('is down');
    if (gateway4 === undefined) return [];
    const found = ways.some(
      ([device, to, via]) => device === containerInterface && to === '00000000' && via === hex(gateway4),
    );
    return found ? [] : lacks(`lacks the default route by ${gateway4}`);
  });
}

/** /proc/net/fib_trie has a line with the address before each `/32 host LOCAL`. */
function localAddresses(trie: string): ReadonlySet<string> {
  return new Set([...trie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address));
}

/** As /proc/net/route prints it: the bytes in network order, read as a little-endian number. */
function hex(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}
