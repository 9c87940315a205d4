import { createHash } from 'node:crypto';
import { TsstackError } from '../model/error.ts';
import { addressToNumber, type Block, formatBlock, numberToAddress, parseBlock } from './cidr.ts';

/**
 * Where networks without an `ipam` section get their subnets, tried in this order. 10.64.0.0/12 keeps clear of what is
 * common behind 10.: the first blocks of clouds, Podman's 10.88/16, Kubernetes' 10.96/12 and 10.244/16, Google's
 * 10.128/9. The others serve where a VPN routes all of 10.0.0.0/8.
 */
export const DEFAULT_POOLS: readonly string[] = ['10.64.0.0/12', '172.16.0.0/12', '192.168.0.0/16'];

/** Subnets are this big (as a prefix length) unless more containers must fit. */
const SUBNET_PREFIX = 24;

/** VPNs replace the default route by 0.0.0.0/1 and 128.0.0.0/1: so wide a route says nothing about who lives there. */
const SHORTEST_MEANT_PREFIX = 2;

/**
 * The first free subnet of the default pools that holds `hosts` containers and overlaps none of `taken` (CIDRs: every
 * route of the machine, every network of ours). It has room for twice as many and more, so that replicas can be added
 * later. Throws `address-pool-exhausted`.
 */
export function allocateSubnet(taken: readonly string[], hosts: number): string {
  const prefix = prefixFor(hosts);
  const blocks = taken
    .map(parseBlock)
    .filter((block) => block.bits === 32 && block.prefix >= SHORTEST_MEANT_PREFIX)
    .sort((left, right) => Number(left.first - right.first));
  for (const pool of DEFAULT_POOLS.map(parseBlock)) {
    const found = firstGap(pool, prefix, blocks);
    if (found !== undefined) return formatBlock({ bits: 32, prefix, first: found });
  }
  throw new TsstackError(
    'address-pool-exhausted',
    `Cannot find a free /${prefix} subnet in ${DEFAULT_POOLS.join(', ')}: the machine's routes and networks take them all`,
    { hint: "Name a free subnet with the network's ipam.config.subnet" },
  );
}

/** Prefix length of a subnet for `hosts` containers: at least twice as many and eight more addresses. */
function prefixFor(hosts: number): number {
  const needed = hosts * 2 + 8;
  return Math.min(SUBNET_PREFIX, 32 - Math.ceil(Math.log2(needed)));
}

/** `blocks` sorted by their first address. */
function firstGap(pool: Block, prefix: number, blocks: readonly Block[]): bigint | undefined {
  const size = 1n << BigInt(32 - prefix);
  let candidate = pool.first;
  for (const block of blocks) {
    if (block.last < candidate) continue;
    if (block.first >= candidate + size) break;
    candidate = (block.last / size + 1n) * size;
  }
  return candidate >= pool.first && candidate + size - 1n <= pool.last ? candidate : undefined;
}

/**
 * A private IPv6 /64 (unique local, RFC 4193) that follows from the names alone, the next one if it overlaps one of
 * `taken`.
 */
export function allocateSubnet6(stack: string, networkKey: string, taken: readonly string[]): string {
  for (let attempt = 0; ; attempt += 1) {
    const hash = createHash('sha256').update(`subnet6\0${stack}\0${networkKey}\0${attempt}`).digest();
    const first = (0xfdn << 120n) | ((hash.readBigUInt64BE(0) >> 8n) << 64n);
    const subnet = formatBlock({ bits: 128, prefix: 64, first });
    if (!taken.some((other) => parseBlock(other).prefix >= SHORTEST_MEANT_PREFIX && subnetsOverlap(other, subnet))) {
      return subnet;
    }
  }
}

export function subnetsOverlap(left: string, right: string): boolean {
  const [one, other] = [parseBlock(left), parseBlock(right)];
  return one.bits === other.bits && one.first <= other.last && other.first <= one.last;
}

/** First host address, as Docker takes it: `10.1.2.1` of `10.1.2.0/24`. */
export function defaultGateway(subnet: string): string {
  const block = parseBlock(subnet);
  return numberToAddress(isPointToPoint(block) ? block.first : block.first + 1n, block.bits);
}

/** A /31 or /32 has neither network nor broadcast address (RFC 3021). */
function isPointToPoint(block: Block): boolean {
  return block.bits - block.prefix <= 1;
}

/** What decides addresses beside the subnet and what is taken. */
export interface PoolOptions {
  readonly range?: string | undefined;
  /** The network's gateway; default `defaultGateway()`. */
  readonly gateway?: string | undefined;
}

/** The free addresses of a subnet. */
export interface AddressPool {
  /**
   * A free address, which then is taken: `preferred` if it is free (it may lie outside the range), so that a replica
   * keeps its address; else the first. Throws `address-pool-exhausted`.
   */
  take(preferred?: string): string;
}

/**
 * For many containers of one network: all allocations together cost as much as there are addresses. Inside `range` if
 * given, never the network's, broadcast's, gateway's or a taken one.
 */
export function createAddressPool(subnet: string, taken: Iterable<string>, options: PoolOptions = {}): AddressPool {
  const block = parseBlock(subnet);
  const used = new Set<bigint>([addressToNumber(options.gateway ?? defaultGateway(subnet))]);
  for (const address of taken) used.add(addressToNumber(address));
  const [first, last] = usableAddresses(block);
  const range = parseBlock(options.range ?? subnet);
  const isFree = (value: bigint) => value >= first && value <= last && !used.has(value);
  const take = (value: bigint) => {
    used.add(value);
    return numberToAddress(value, block.bits);
  };
  let next = range.first;
  return {
    take(preferred) {
      if (preferred !== undefined && isInside(preferred, subnet)) {
        const value = addressToNumber(preferred);
        if (isFree(value)) return take(value);
      }
      while (next <= range.last && next <= last && !isFree(next)) next += 1n;
      if (next <= range.last && next <= last) return take(next);
      throw new TsstackError('address-pool-exhausted', `No address of ${options.range ?? subnet} is free`, {
        hint: 'Give the network a larger subnet with ipam.config.subnet',
      });
    },
  };
}

/** One address; see `createAddressPool()`. */
export function allocateAddress(
  subnet: string,
  taken: ReadonlySet<string>,
  options: PoolOptions & { readonly preferred?: string | undefined } = {},
): string {
  return createAddressPool(subnet, taken, options).take(options.preferred);
}

/** IPv6 has no broadcast address; its first one is every router's (RFC 4291, 2.6.1). */
function usableAddresses(block: Block): readonly [bigint, bigint] {
  if (isPointToPoint(block)) return [block.first, block.last];
  return [block.first + 1n, block.bits === 32 ? block.last - 1n : block.last];
}

export function isInside(address: string, subnet: string): boolean {
  const block = parseBlock(subnet);
  const bits = address.includes(':') ? 128 : 32;
  const value = addressToNumber(address);
  return bits === block.bits && value >= block.first && value <= block.last;
}

/** Whether a host may have this address of a subnet: not that of the subnet itself, nor its broadcast's. */
export function isUsable(address: string, subnet: string): boolean {
  const [first, last] = usableAddresses(parseBlock(subnet));
  const value = addressToNumber(address);
  return isInside(address, subnet) && value >= first && value <= last;
}

/** Bridge of a network, at most 15 characters: `ts-backen-x3f9a`. The same names give the same bridge. */
export function bridgeName(stack: string, networkKey: string): string {
  return `ts-${word(networkKey, 6)}-${shortHash(`bridge\0${stack}\0${networkKey}`)}`;
}

/** The port of an overlay's bridge that leads to other machines: `ts-vxback-1f3a9`, at most 15 characters. */
export function tunnelName(stack: string, networkKey: string): string {
  return `ts-vx${word(networkKey, 4)}-${shortHash(`vxlan\0${stack}\0${networkKey}`)}`;
}

/**
 * Host's end of a veth pair, at most 15 characters, of a container (`machineName()`) on a network (by key):
 * `ts-web1-a1b2c`.
 */
export function hostInterfaceName(machineName: string, networkKey: string): string {
  const replica = machineName.slice(machineName.indexOf('.') + 1);
  const index = replica.slice(replica.lastIndexOf('.') + 1).slice(-4);
  const service = replica.slice(0, replica.lastIndexOf('.'));
  return `ts-${word(service, 6 - index.length)}${index}-${shortHash(`veth\0${machineName}\0${networkKey}`)}`;
}

/** What is fit for an interface's name, and for its directory below /proc/sys, of a text. */
function word(text: string, length: number): string {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return plain.slice(0, length) || 'x';
}

/** Five characters out of 36: 60 million values. */
function shortHash(text: string): string {
  const value = createHash('sha256').update(text).digest().readUIntBE(0, 6) % 36 ** 5;
  return value.toString(36).padStart(5, '0');
}
