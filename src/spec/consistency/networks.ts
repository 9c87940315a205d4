import ipaddr from 'ipaddr.js';
import { at, type Context, complain, nameOf, type Place, rootPlace } from '../canonical/context.ts';
import { type Dict, isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, dictsOf, servicesOf } from './input.ts';

interface Subnet {
  readonly network: string;
  readonly text: string;
  readonly place: Place;
  readonly first: bigint;
  readonly last: bigint;
  readonly bits: 32 | 128;
}

/** Subnets: valid, not overlapping inside the stack; static addresses inside them and used once. */
export function checkNetworks(input: CheckInput, context: Context): void {
  const subnets = new Map<string, Subnet[]>();
  const networks = input.model['networks'];
  const parent = at(rootPlace(context), 'networks');
  for (const [name, network] of Object.entries(isDict(networks) ? networks : {})) {
    if (!isDict(network)) continue;
    subnets.set(name, subnetsOf(name, network, at(parent, name)));
  }
  checkOverlap([...subnets.values()].flat());
  checkAddresses(input, context, subnets);
}

function subnetsOf(name: string, network: Dict, place: Place): Subnet[] {
  const config = at(at(place, 'ipam'), 'config');
  const pools = dictsOf(isDict(network['ipam']) ? network['ipam']['config'] : undefined);
  return pools.flatMap((pool, index) => {
    const where = at(at(config, index), 'subnet');
    if (pool['subnet'] === undefined) return [];
    const subnet = parseSubnet(String(pool['subnet']));
    if (subnet === undefined) {
      complain(where, { message: `${nameOf(where)} ${quoted(pool['subnet'])} is not a subnet such as 10.5.0.0/24` });
      return [];
    }
    if (subnet.size < (subnet.bits === 32 ? 8 : 16)) {
      complain(where, { message: `${nameOf(where)} ${quoted(pool['subnet'])} is far too large for a network` });
    }
    const found: Subnet = { ...subnet, network: name, text: String(pool['subnet']), place: where };
    checkInside(pool['gateway'], [found], at(at(config, index), 'gateway'));
    return [found];
  });
}

function parseSubnet(text: string): { first: bigint; last: bigint; bits: 32 | 128; size: number } | undefined {
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

/** Sorted by start, every overlap is with a neighbour or a subnet that reaches that far: one pass. */
function checkOverlap(subnets: readonly Subnet[]): void {
  for (const bits of [32, 128]) {
    const sorted = subnets
      .filter((each) => each.bits === bits)
      .sort((left, right) => (left.first < right.first ? -1 : 1));
    let reaching: Subnet | undefined;
    for (const subnet of sorted) {
      if (reaching !== undefined && subnet.first <= reaching.last) {
        const message = `subnet ${subnet.text} of the network "${subnet.network}" overlaps ${reaching.text} of "${reaching.network}"`;
        complain(subnet.place, { code: 'conflict.subnet', message });
      }
      if (reaching === undefined || subnet.last > reaching.last) reaching = subnet;
    }
  }
}

function checkInside(address: Value | undefined, subnets: readonly Subnet[], place: Place): boolean {
  if (typeof address !== 'string') return false;
  if (!ipaddr.isValid(address)) {
    complain(place, { message: `${nameOf(place)} ${quoted(address)} is not an IP address` });
    return false;
  }
  const parsed = ipaddr.parse(address);
  const bits = parsed.kind() === 'ipv4' ? 32 : 128;
  const value = toNumber(parsed.toByteArray());
  const same = subnets.filter((subnet) => subnet.bits === bits);
  if (same.length === 0 || same.some((subnet) => subnet.first <= value && value <= subnet.last)) return true;
  const range = same.map((subnet) => subnet.text).join(', ');
  complain(place, { message: `${nameOf(place)} ${address} is outside the subnet ${range}` });
  return false;
}

function checkAddresses(input: CheckInput, context: Context, subnets: ReadonlyMap<string, readonly Subnet[]>): void {
  const taken = new Map<string, string>();
  for (const { name, service, place } of servicesOf(input.enabled, context)) {
    const attached = service['networks'];
    for (const [network, attachment] of Object.entries(isDict(attached) ? attached : {})) {
      for (const key of ['ipv4_address', 'ipv6_address']) {
        const address = isDict(attachment) ? attachment[key] : undefined;
        const where = at(at(at(place, 'networks'), network), key);
        if (!checkInside(address, subnets.get(network) ?? [], where)) continue;
        const other = taken.get(`${network} ${String(address)}`);
        taken.set(`${network} ${String(address)}`, name);
        if (other === undefined) continue;
        const message = `the services "${other}" and "${name}" have the same address ${String(address)} on "${network}"`;
        complain(where, { code: 'conflict.address', message });
      }
    }
  }
}
