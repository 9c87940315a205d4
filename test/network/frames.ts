import { addressToNumber } from '../../src/network/cidr.ts';

/** A frame without its first 14 bytes, and what they say. Checksums of ICMPv6 are left out: a bridge does not look at them. */
export interface Frame {
  readonly from: string;
  readonly to: string;
  readonly type: number;
  readonly payload: Buffer;
}

type Link = Pick<Frame, 'from' | 'to'>;

/** In hexadecimal. `number`, in a field that nobody reads, tells it from others. */
export function encode({ from, to, type, payload }: Frame, number: number): string {
  const packet = Buffer.concat([payload, Buffer.alloc(4)]);
  if (type === 0x0800) {
    packet.writeUInt16BE(number, 4);
    packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  } else if (type === 0x86dd) {
    packet.writeUInt16BE(number, 2);
  } else {
    packet.writeUInt32BE(number, payload.length);
  }
  const body = type === 0x0800 || type === 0x86dd ? packet.subarray(0, payload.length) : packet;
  return Buffer.concat([macBytes(to), macBytes(from), word(type), body]).toString('hex');
}

/** Of an IPv4 header (RFC 791): `br_netfilter` looks at it, and at the length of IPv6. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An empty datagram. */
export function ipv4(link: Link, from: string, to: string): Frame {
  const header = Buffer.from('4500001c000000004011000000000000000000000035003500080000', 'hex');
  bytes(from, 4).copy(header, 12);
  bytes(to, 4).copy(header, 16);
  return { ...link, type: 0x0800, payload: header };
}

/** An answer that `address` is at `mac`. */
export function arp(link: Link, mac: string, address: string): Frame {
  const head = Buffer.from('0001080006040002', 'hex');
  const target = Buffer.concat([macBytes(link.to), bytes('0.0.0.0', 4)]);
  return { ...link, type: 0x0806, payload: Buffer.concat([head, macBytes(mac), bytes(address, 4), target]) };
}

/** An empty datagram. */
export function ipv6(link: Link, from: string, to: string): Frame {
  return packet6(link, { from, to, next: 17 }, Buffer.from('0035003500080000', 'hex'));
}

export function neighbourSolicitation(link: Link, from: string, target: string): Frame {
  return packet6(
    link,
    { from, to: target, next: 58 },
    Buffer.concat([Buffer.from('8700000000000000', 'hex'), bytes(target, 16)]),
  );
}

/** That `target` is at the hardware that sends it. */
export function neighbourAdvertisement(link: Link, from: string, target: string, options: Options = {}): Frame {
  const body = [
    Buffer.from('8800000060000000', 'hex'),
    bytes(target, 16),
    Buffer.from('0201', 'hex'),
    macBytes(link.from),
  ];
  return packet6(link, { from, to: 'ff02::1', next: 58 }, Buffer.concat(body), options);
}

export function routerAdvertisement(link: Link, from: string, options: Options = {}): Frame {
  return packet6(
    link,
    { from, to: 'ff02::1', next: 58 },
    Buffer.from('86000000400007080000000000000000', 'hex'),
    options,
  );
}

interface Options {
  /** Put an extension header between, as those do who evade filters (RFC 7113). */
  readonly hopByHop?: boolean;
}

interface Header {
  readonly from: string;
  readonly to: string;
  /** Protocol of the body. */
  readonly next: number;
}

function packet6(link: Link, { from, to, next }: Header, body: Buffer, options: Options = {}): Frame {
  const extension = options.hopByHop === true ? Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]) : Buffer.alloc(0);
  const header = Buffer.alloc(8);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(extension.length + body.length, 4);
  header.writeUInt8(options.hopByHop === true ? 0 : next, 6);
  header.writeUInt8(255, 7);
  return { ...link, type: 0x86dd, payload: Buffer.concat([header, bytes(from, 16), bytes(to, 16), extension, body]) };
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

function bytes(address: string, length: number): Buffer {
  return Buffer.from(
    addressToNumber(address)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

function word(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}
