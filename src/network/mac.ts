import { addressToNumber } from './cidr.ts';

/**
 * The hardware address that goes with an IPv4 address: `02:42:0a:01:02:03` of 10.1.2.3, as Docker makes it (02:
 * locally administered). A container that comes back with its address keeps its neighbours' ARP caches right.
 */
export function macFor(ipv4: string): string {
  const hex = addressToNumber(ipv4).toString(16).padStart(8, '0');
  return `02:42:${hex.replaceAll(/..(?=.)/g, '$&:')}`;
}
