import ipaddr from 'ipaddr.js';
import { at, complain, nameOf, type Place } from '../canonical/context.ts';
import { type Dict, isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { dictsOf } from './input.ts';

export interface Range {
  readonly first: bigint;
  readonly last: bigint;
  readonly bits: 32 | 128;
  /** Length of the prefix. */
  readonly size: number;
}

export interface Subnet extends Range {
  readonly network: string;
  readonly text: string;
  readonly place: Place;
}

/** An address that a network keeps for itself. */
export interface Reserved {
  readonly address: Address;
  /** `the gateway`, or what the file calls it. */
  readonly what: string;
}

export interface Address {
  readonly value: bigint;
  readonly bits: 32 | 128;
}

export interface Pools {
  readonly subnets: readonly Subnet[];
  readonly reserved: readonly Reserved[];
}

/** The pools of `ipam.config`, all that they name inside their subnet. */
export function poolsOf(name: string, network: Dict, place: Place): Pools {
  const config = at(at(place, 'ipam'), 'config');
  const subnets: Subnet[] = [];
  const reserved: Reserved[] = [];
  const pools = dictsOf(isDict(network['ipam']) ? network['ipam']['config'] : undefined);
  for (const [index, pool] of pools.entries()) {
    const where = at(config, index);
    const subnet = subnetOf(name, pool, at(where, 'subnet'));
    if (subnet === undefined) continue;
    subnets.push(subnet);
    checkRange(pool['ip_range'], subnet, at(where, 'ip_range'));
    reserved.push(...reservedOf(pool, subnet, where));
    if (pool['gateway'] === undefined && hasBridge(network)) reserved.push(...firstHost(subnet));
  }
  return { subnets, reserved };
}

function subnetOf(network: string, pool: Dict, place: Place): Subnet | undefined {
  if (pool['subnet'] === undefined) return undefined;
  const text = String(pool['subnet']);
  const subnet = parseSubnet(text);
  if (subnet === undefined) {
    const hint = 'write an address and the length of its prefix: 10.5.0.0/24';
    complain(place, { message: `${nameOf(place)} ${quoted(text)} is not a subnet such as 10.5.0.0/24`, hint });
    return undefined;
  }
  if (subnet.size < (subnet.bits === 32 ? 8 : 16)) {
    const hint = 'write a longer prefix, such as /16 or /24';
    complain(place, { message: `${nameOf(place)} ${quoted(text)} is far too large for a network`, hint });
  }
  return { ...subnet, network, text, place };
}

function parseSubnet(text: string): Range | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, size] = ipaddr.parseCIDR(text);
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  const host = (1n << BigInt(bits - size)) - 1n;
  const first = toNumber(address.toByteArray()) & ~host;
  return { first, last: first | host, bits, size };
}

function toNumber(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function checkRange(written: Value | undefined, subnet: Subnet, place: Place): void {
  if (written === undefined) return;
  const range = parseSubnet(String(written));
  if (range === undefined) {
    const hint = `write a part of the subnet ${subnet.text}, such as 10.5.0.128/25`;
    complain(place, { message: `${nameOf(place)} ${quoted(written)} is not a range such as 10.5.0.128/25`, hint });
  } else if (range.bits !== subnet.bits || range.first < subnet.first || range.last > subnet.last) {
    complain(place, { message: `${nameOf(place)} ${String(written)} is outside the subnet ${subnet.text}` });
  }
}

function reservedOf(pool: Dict, subnet: Subnet, place: Place): Reserved[] {
  const { gateway, aux_addresses: others } = pool;
  const named = Object.entries(isDict(others) ? others : {});
  return [
    { what: 'the gateway', text: gateway, place: at(place, 'gateway') },
    ...named.map(([name, text]) => ({ what: `"${name}"`, text, place: at(at(place, 'aux_addresses'), name) })),
  ].flatMap(({ what, text, place: where }) => {
    const address = addressInside(text, [subnet], where);
    return address === undefined ? [] : { address, what };
  });
}

function hasBridge(network: Dict): boolean {
  return network['driver'] === undefined || network['driver'] === 'bridge';
}

/** The bridge takes the first address of IPv4 unless another gateway is named. */
function firstHost({ bits, size, first }: Subnet): Reserved[] {
  return bits === 32 && size <= 30 ? [{ what: 'the gateway', address: { bits, value: first + 1n } }] : [];
}

/** The address, if it is one and stands in one of the subnets of its family, or there are none. */
export function addressInside(
  written: Value | undefined,
  subnets: readonly Subnet[],
  place: Place,
): Address | undefined {
  if (typeof written !== 'string') return undefined;
  if (!ipaddr.isValid(written)) {
    const hint = 'write an address without a prefix, such as 10.5.0.7';
    complain(place, { message: `${nameOf(place)} ${quoted(written)} is not an IP address`, hint });
    return undefined;
  }
  const parsed = ipaddr.parse(written);
  const bits = parsed.kind() === 'ipv4' ? 32 : 128;
  const value = toNumber(parsed.toByteArray());
  const same = subnets.filter((subnet) => subnet.bits === bits);
  const subnet = same.find(({ first, last }) => first <= value && value <= last);
  if (subnet === undefined && same.length > 0) {
    const range = same.map(({ text }) => text).join(', ');
    const hint = `write an address of ${range}`;
    complain(place, { message: `${nameOf(place)} ${written} is outside the subnet ${range}`, hint });
    return undefined;
  }
  if (subnet !== undefined && isEdge(value, subnet)) {
    const message = `${nameOf(place)} ${written} stands for the whole subnet ${subnet.text}, or for all its members`;
    complain(place, { message, hint: 'write an address between the first and the last' });
    return undefined;
  }
  return { value, bits };
}

/** The network's own address, and that of a broadcast (RFC 3021: a /31 has neither). */
function isEdge(value: bigint, { bits, size, first, last }: Subnet): boolean {
  return bits === 32 && size <= 30 && (value === first || value === last);
}
