import type { Endpoint } from '../model/container.ts';
import { addressToNumber, numberToAddress, withoutPrefix } from './cidr.ts';

/**
 * The hardware address that goes with an IPv4 address: `02:42:0a:01:02:03` of 10.1.2.3, as Docker makes it (02:
 * locally administered). Of an IPv6 address the last four bytes. A container that comes back with its address keeps its
 * neighbours' ARP caches right.
 */
export function macFor(address: string): string {
  const bytes = addressToNumber(address) & 0xffffffffn;
  return `02:42:${pairs(bytes.toString(16).padStart(8, '0'))}`;
}

/** The hardware address of a container's interface; undefined where the kernel chooses one. */
export function macOf({ macAddress, ipv4, ipv6 }: Endpoint): string | undefined {
  if (macAddress !== undefined) return macAddress.toLowerCase();
  const address = ipv4 ?? ipv6;
  return address === undefined ? undefined : macFor(withoutPrefix(address));
}

/** The link-local address that the kernel makes of a hardware address (`addrgenmode eui64`; RFC 4291, appendix A). */
export function linkLocalFor(mac: string): string {
  const bytes = mac.split(':').map((byte) => BigInt(`0x${byte}`));
  const [first = 0n, second = 0n, third = 0n, ...rest] = bytes;
  const identifier = [first ^ 2n, second, third, 0xffn, 0xfen, ...rest];
  return numberToAddress(
    identifier.reduce((sum, byte) => (sum << 8n) | byte, 0xfe80n << 48n),
    128,
  );
}

/** Colons between each two letters. */
function pairs(text: string): string {
  return text.replaceAll(/..(?=.)/g, '$&:');
}
