import { isIP } from 'node:net';
import { bridgeOptions } from '../model/network-options.ts';
import {
  LEAST_PARTS,
  OVERLAY_COST,
  OVERLAY_OPTIONS,
  OVERLAY_PORT,
  type OverlayLink,
} from '../model/network-overlay.ts';
import type { ObservedHost } from '../model/observed.ts';
import type { IpamPool, Network } from '../model/stack.ts';
import { type Block, formatBlock, numberToAddress, parseBlock } from '../network/cidr.ts';
import { isInside, tunnelName } from '../network/ipam.ts';

/** Why a network can't be made, and what to write. */
export interface Problem {
  readonly message: string;
  readonly hint: string;
}

const MOST_VNI = 2 ** 24 - 1;

/** An overlay as its `driver_opts` and the machine's addresses make it; `pools` are all of its `ipam`. */
export function overlayOf(
  network: Network,
  { stack, links = {} }: { readonly stack: string; readonly links?: ObservedHost['links'] },
): { readonly link: OverlayLink; readonly pools: readonly IpamPool[] } | Problem {
  const option = (name: keyof typeof OVERLAY_OPTIONS) => network.driverOptions[OVERLAY_OPTIONS[name]]?.trim() ?? '';
  const place = `networks.${network.key}.driver_opts`;
  const wrong = (name: keyof typeof OVERLAY_OPTIONS, message: string, example: string): Problem => ({
    message: `driver_opts ${OVERLAY_OPTIONS[name]} ${message}`,
    hint: `Set ${place}."${OVERLAY_OPTIONS[name]}", such as ${example}.`,
  });
  const vni = Number(option('vni'));
  if (!/^\d+$/.test(option('vni')) || vni < 1 || vni > MOST_VNI) {
    return wrong('vni', `is "${option('vni')}", not a number from 1 to ${MOST_VNI}`, '42, the same on all machines');
  }
  const port = Number(option('port') || OVERLAY_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return wrong('port', 'is no port', String(OVERLAY_PORT));
  const hosts = [
    ...new Set(
      option('peers')
        .split(',')
        .flatMap((each) => each.trim() || []),
    ),
  ];
  const families = new Set(hosts.map(isIP));
  if (hosts.length === 0 || families.size > 1 || families.has(0)) {
    const message = `is "${option('peers')}", not the addresses of all machines, of one family`;
    return wrong('peers', message, '"192.0.2.1,192.0.2.2", the same on all of them');
  }
  const own = Object.values(links).flatMap(({ addresses = [] }) => addresses);
  const local = option('local') || hosts.find((host) => own.includes(host));
  if (local === undefined) return wrong('peers', 'has no address of this machine', 'a list with it');
  if (!hosts.includes(local)) return wrong('local', `is "${local}", which is not among the peers`, hosts[0] ?? '');
  const divided = network.ipam.map((pool) => divide(network.key, pool, hosts.indexOf(local), hosts.length));
  const problem = divided.find((each) => 'message' in each) ?? missingSubnet(network);
  if (problem !== undefined && 'message' in problem) return problem;
  const parts = divided.flatMap((each) => ('message' in each ? [] : [each]));
  const cost = OVERLAY_COST[local.includes(':') ? 6 : 4];
  const below = Object.values(links).find(({ addresses = [] }) => addresses.includes(local))?.mtu ?? 1500;
  const link: OverlayLink = {
    vxlan: tunnelName(stack, network.key),
    vni,
    port,
    local,
    peers: hosts.filter((host) => host !== local),
    gateways: parts[0]?.gateways.filter((_, index) => hosts[index] !== local) ?? [],
    mtu: bridgeOptions(network).mtu ?? below - cost,
  };
  return { link, pools: parts.map(({ pool }) => pool) };
}

function missingSubnet({ key, name, enableIpv4, enableIpv6, ipam }: Network): Problem | undefined {
  const has = (ipv6: boolean) => ipam.some(({ subnet }) => subnet !== undefined && subnet.includes(':') === ipv6);
  if ((!enableIpv4 || has(false)) && (!enableIpv6 || has(true))) return undefined;
  const hint = `Set networks.${key}.ipam.config, the same on all machines.`;
  return { message: `an overlay needs a subnet of each family that all its machines know ("${name}")`, hint };
}

interface Part {
  readonly pool: IpamPool;
  /** Of every machine, in their order. */
  readonly gateways: readonly string[];
}

/** The part of a machine: addresses never meet, and nobody has to ask. Its gateway is the second address of it. */
function divide(key: string, pool: IpamPool, index: number, machines: number): Part | Problem {
  const hint = `Correct networks.${key}.ipam.config, the same on all machines.`;
  if (pool.subnet === undefined) return { message: 'a pool of an overlay has no subnet', hint };
  if (pool.gateway !== undefined) {
    return { message: 'an overlay has a gateway on each machine: the second address of its part', hint };
  }
  if (pool.ipRange !== undefined && !isInside(pool.ipRange.replace(/\/.*/, ''), pool.subnet)) {
    return { message: `ip_range ${pool.ipRange} lies outside of subnet ${pool.subnet}`, hint };
  }
  const whole = parseBlock(pool.ipRange ?? pool.subnet);
  const bitsOfPart = Math.ceil(Math.log2(Math.max(machines, LEAST_PARTS)));
  const prefix = whole.prefix + bitsOfPart;
  if (prefix > whole.bits - 2) {
    const message = `${pool.ipRange ?? pool.subnet} is too small for ${2 ** bitsOfPart} parts with some addresses each`;
    return { message, hint };
  }
  const part = (number: number): Pick<Block, 'bits' | 'prefix' | 'first'> => ({
    bits: whole.bits,
    prefix,
    first: whole.first + (BigInt(number) << BigInt(whole.bits - prefix)),
  });
  const gateways = Array.from({ length: machines }, (_, each) => numberToAddress(part(each).first + 1n, whole.bits));
  const gateway = gateways[index];
  return {
    pool: { ...pool, ipRange: formatBlock(part(index)), ...(gateway !== undefined && { gateway }) },
    gateways,
  };
}
