import ipaddr from 'ipaddr.js';

/** Whether a text is an address, of IPv4 in four decimal parts or of IPv6. Node's own `isIP` would load its networking. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}
