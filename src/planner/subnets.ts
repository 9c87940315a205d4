import { networkAddress } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { ObservedState } from '../model/observed.ts';
import type { IpamPool, Network, Stack } from '../model/stack.ts';
import { allocateSubnet, allocateSubnet6, bridgeName, defaultGateway, isInside } from '../network/ipam.ts';
import type { Findings } from './findings.ts';
import { member } from './record.ts';

export interface SubnetContext {
  readonly stack: Stack;
  readonly observed: ObservedState;
  readonly findings: Findings;
  /** Subnets that this plan has given to networks, by network key. */
  readonly given: Map<string, readonly string[]>;
}

/** The network as it should be made; undefined after a conflict. `hosts` containers will be on it. */
export function networkSpec(context: SubnetContext, network: Network, hosts: number): NetworkSpec | undefined {
  const { stack } = context;
  const ipv4: Partial<Ipv4Part> | undefined = network.enableIpv4 ? ipv4Part(context, network, hosts) : {};
  const ipv6 = network.enableIpv6 ? ipv6Part(context, network) : {};
  if (ipv4 === undefined) return undefined;
  const subnets = [ipv4.subnet4, ipv6.subnet6].flatMap((subnet) => subnet ?? []);
  context.given.set(network.key, subnets);
  return {
    stack: stack.name,
    key: network.key,
    name: network.name,
    driver: network.driver || 'bridge',
    driverOptions: network.driverOptions,
    internal: network.internal,
    labels: network.labels,
    bridge: bridgeName(stack.name, network.key),
    reserved4: [],
    ...ipv4,
    ...ipv6,
  };
}

/** IPv4 and IPv6 addresses and subnets differ by this. */
function isIpv6(address: string): boolean {
  return address.includes(':');
}

/** The network as this stack made it: it keeps its subnet unless the file asks for another. */
function existingSpec({ stack, observed }: SubnetContext, network: Network): NetworkSpec | undefined {
  const spec = member(observed.networks, network.key)?.spec;
  return spec?.stack === stack.name ? spec : undefined;
}

type Ipv4Part = Pick<NetworkSpec, 'reserved4'> & {
  readonly subnet4: string;
  readonly gateway4: string;
  readonly ipRange4?: string;
};

function ipv4Part(context: SubnetContext, network: Network, hosts: number): Ipv4Part | undefined {
  const pools = network.ipam.filter((pool) => !isIpv6(pool.subnet ?? pool.gateway ?? pool.ipRange ?? ''));
  if (pools.length > 1) {
    context.findings.warnings.push(
      `Network "${network.name}" has ${pools.length} IPv4 subnets; the first one is used.`,
    );
  }
  const pool: IpamPool = pools[0] ?? { auxAddresses: {} };
  const existing = existingSpec(context, network);
  const subnet4 = pool.subnet ?? existing?.subnet4 ?? freeSubnet(context, network, hosts);
  if (subnet4 === undefined) return undefined;
  const gateway4 = pool.gateway ?? defaultGateway(subnet4);
  for (const [what, address] of [
    ['gateway', pool.gateway],
    ['ip_range', pool.ipRange],
  ] as const) {
    if (address === undefined || isInside(address.replace(/\/.*/, ''), subnet4)) continue;
    context.findings.conflicts.push({
      address: networkAddress(network.key),
      message: `Cannot create network "${network.name}": ${what} ${address} lies outside of subnet ${subnet4}`,
      hint: `Correct networks.${network.key}.ipam.config.`,
    });
    return undefined;
  }
  return {
    subnet4,
    gateway4,
    ...(pool.ipRange !== undefined && { ipRange4: pool.ipRange }),
    reserved4: Object.values(pool.auxAddresses).sort(),
  };
}

function ipv6Part(context: SubnetContext, network: Network): Pick<NetworkSpec, 'subnet6' | 'gateway6'> {
  const pool = network.ipam.find(({ subnet }) => subnet !== undefined && isIpv6(subnet));
  const subnet6 =
    pool?.subnet ??
    existingSpec(context, network)?.subnet6 ??
    allocateSubnet6(context.stack.name, network.key, takenSubnets(context));
  return { subnet6, gateway6: pool?.gateway ?? defaultGateway(subnet6) };
}

function freeSubnet(context: SubnetContext, network: Network, hosts: number): string | undefined {
  try {
    return allocateSubnet(
      takenSubnets(context).filter((subnet) => !isIpv6(subnet)),
      hosts,
    );
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    context.findings.conflicts.push({
      address: networkAddress(network.key),
      message: `Cannot create network "${network.name}": ${error.message}`,
      hint: `Set networks.${network.key}.ipam.config in the stack file.`,
    });
    return undefined;
  }
}

/** All that a new subnet must keep clear of, subnets that the stack file asks for included. */
function takenSubnets({ stack, observed, given }: SubnetContext): readonly string[] {
  return [
    ...observed.host.routes.map((route) => route.destination),
    ...observed.host.foreignSubnets.map(({ subnet }) => subnet),
    ...Object.values(observed.networks).flatMap(({ spec }) => [spec.subnet4, spec.subnet6]),
    ...Object.values(stack.networks).flatMap((network) => network.ipam.map((pool) => pool.subnet)),
    ...[...given.values()].flat(),
  ].flatMap((subnet) => subnet ?? []);
}
