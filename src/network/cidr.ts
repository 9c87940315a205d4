import ipaddr from 'ipaddr.js';

/** A block of addresses as numbers: from `first` to `last`, both inside. */
export interface Block {
  readonly bits: 32 | 128;
  readonly prefix: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** Number of an address; throws on text that is no address. */
export function addressToNumber(text: string): bigint {
  return ipaddr
    .parse(text)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/** Shortest usual text of an address: `10.1.2.3`, `fd00::1` (RFC 5952). */
export function numberToAddress(value: bigint, bits: 32 | 128): string {
  const bytes: number[] = [];
  for (let shift = bits - 8; shift >= 0; shift -= 8) bytes.push(Number((value >> BigInt(shift)) & 255n));
  const address = ipaddr.fromByteArray(bytes);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** `10.1.2.0/24`; bits after the prefix are ignored, an address without prefix is a block of one. */
export function parseBlock(cidr: string): Block {
  const [text = '', length] = cidr.split('/');
  const bits = text.includes(':') ? 128 : 32;
  const prefix = length === undefined ? bits : Number(length);
  const size = 1n << BigInt(bits - prefix);
  const first = (addressToNumber(text) / size) * size;
  return { bits, prefix, first, last: first + size - 1n };
}

export function formatBlock(block: Pick<Block, 'bits' | 'prefix' | 'first'>): string {
  return `${numberToAddress(block.first, block.bits)}/${block.prefix}`;
}

/** `10.1.2.3` of `10.1.2.3/24`. */
export function withoutPrefix(cidr: string): string {
  return cidr.split('/', 1)[0] ?? cidr;
}

/** `24` of `10.1.2.0/24`. */
export function prefixOf(cidr: string): string {
  return String(parseBlock(cidr).prefix);
}
