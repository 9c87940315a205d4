import { isIPv4 } from 'node:net';
import { canonicalAddress } from './directory.ts';

const IPV4 = '.in-addr.arpa';
const IPV6 = '.ip6.arpa';

/** The address that `4.3.2.1.in-addr.arpa` (RFC 1035, 3.5) or 32 digits under `ip6.arpa` (RFC 3596, 2.5) stand for. */
export function addressOfReverse(name: string): string | undefined {
  if (name.endsWith(IPV4)) {
    const text = name.slice(0, -IPV4.length).split('.').reverse().join('.');
    return isIPv4(text) ? text : undefined;
  }
  if (!name.endsWith(IPV6)) return undefined;
  const digits = name.slice(0, -IPV6.length).split('.');
  if (digits.length !== 32 || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  return canonicalAddress((digits.reverse().join('').match(/.{4}/g) ?? []).join(':'));
}
