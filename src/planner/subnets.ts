import { networkAddress } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import { type NetworkParent, PARENT_OPTIONS, parentLink, parentProblem, vlanOf } from '../model/network-drivers.ts';
import { bridgeOptions, optionProblem } from '../model/network-options.ts';
import type { ObservedState } from '../model/observed.ts';
import type { IpamPool, Network, Stack } from '../model/stack.ts';
import {
  allocateSubnet,
  allocateSubnet6,
  bridgeName,
  DEFAULT_POOLS,
  defaultGateway,
  isInside,
  subnetsOverlap,
} from '../network/ipam.ts';
import type { Findings } from './findings.ts';
import { overlayOf, type Problem } from './overlay.ts';
import { member } from './record.ts';

export interface SubnetContext {
  readonly stack: Stack;
  readonly observed: ObservedState;
  readonly findings: Findings;
  /** Subnets that this plan has given to networks, by network key. */
  readonly given: Map<string, readonly string[]>;
}

/** The network as it should be made; undefined after a conflict. `hosts` containers will be on it. */
export function networkSpec(context: SubnetContext, written: Network, hosts: number): NetworkSpec | undefined {
  const { stack } = context;
  const problem = networkProblem(written);
  if (problem !== undefined) return refuse(context, written, problem);
  const links = context.observed.host.links ?? {};
  const overlay = written.driver === 'overlay' ? overlayOf(written, { stack: stack.name, links }) : undefined;
  if (overlay !== undefined && 'message' in overlay) return refuse(context, written, overlay);
  const network = overlay === undefined ? written : { ...written, ipam: overlay.pools };
  const options = bridgeOptions(network);
  const parent = parentOf(context, network);
  const broken = parent && brokenParent(context, network, parent);
  if (broken !== undefined) return refuse(context, network, broken);
  const part4 = network.enableIpv4 ? familyPart(context, network, 4, hosts) : {};
  const part6 = network.enableIpv6 ? familyPart(context, network, 6, hosts) : {};
  if (part4 === undefined || part6 === undefined) return undefined;
  const subnets = [part4.subnet, part6.subnet].flatMap((subnet) => subnet ?? []);
  context.given.set(network.key, subnets);
  return {
    stack: stack.name,
    key: network.key,
    name: network.name,
    driver: network.driver || 'bridge',
    driverOptions: network.driverOptions,
    internal: network.internal || parent?.dummy === true,
    labels: network.labels,
    ...(overlay !== undefined && { overlay: overlay.link }),
    ...(parent === undefined ? { bridge: options.name ?? bridgeName(stack.name, network.key) } : { parent }),
    ...(part4.subnet !== undefined && { subnet4: part4.subnet }),
    ...(part4.gateway !== undefined && options.gatewayMode4 !== 'isolated' && { gateway4: part4.gateway }),
    ...(part4.range !== undefined && { ipRange4: part4.range }),
    reserved4: part4.reserved ?? [],
    ...(part6.subnet !== undefined && { subnet6: part6.subnet }),
    ...(part6.gateway !== undefined && options.gatewayMode6 !== 'isolated' && { gateway6: part6.gateway }),
    ...(part6.range !== undefined && { ipRange6: part6.range }),
    ...(part6.reserved !== undefined && part6.reserved.length > 0 && { reserved6: part6.reserved }),
  };
}

/** What of a network's own words can't be done, and what to write. */
function networkProblem(network: Network): Problem | undefined {
  const options = bridgeOptions(network);
  const bad = optionProblem(network);
  if (bad !== undefined) {
    const message = `driver_opts ${bad.option} is "${bad.value}", not ${bad.wanted}`;
    return { message, hint: `Correct networks.${network.key}.driver_opts.` };
  }
  if (!network.enableIpv4 && !network.enableIpv6) {
    const message = 'it has neither IPv4 nor IPv6';
    return { message, hint: `Set networks.${network.key}.enable_ipv6 to true, or leave enable_ipv4 out.` };
  }
  if (!network.internal && [options.gatewayMode4, options.gatewayMode6].includes('isolated')) {
    const message =
      'the gateway mode "isolated" is for internal networks: without an address of the host there is no way out';
    return { message, hint: `Set networks.${network.key}.internal to true, or the gateway mode to nat or routed.` };
  }
  return undefined;
}

/** The interface that a network's are made of: one of the machine, a VLAN of one, or a dummy, which are made with it. */
function parentOf({ stack, observed }: SubnetContext, network: Network): NetworkParent | undefined {
  const parent = parentLink(network, bridgeName(stack.name, network.key));
  const links = observed.host.links;
  if (parent === undefined || parent.dummy === true || links === undefined) return parent;
  const there = links[parent.device];
  const vlan = vlanOf(parent.device);
  const ours = there === undefined || there.alias?.startsWith('tsstack ') === true;
  return vlan !== undefined && ours && links[vlan.of] !== undefined ? { ...parent, vlan } : parent;
}

function brokenParent({ observed }: SubnetContext, network: Network, parent: NetworkParent): Problem | undefined {
  const place = `networks.${network.key}.driver_opts`;
  const mode = parentProblem(parent);
  if (mode !== undefined) return { message: mode, hint: `Correct ${place}.` };
  const links = observed.host.links;
  const { device, dummy, vlan } = parent;
  if (links === undefined || dummy === true || vlan !== undefined || links[device] !== undefined) return undefined;
  const below = vlanOf(device)?.of;
  const missing = below === undefined ? `"${device}"` : `"${device}", nor "${below}" to make it of`;
  return {
    message: `this machine has no interface ${missing}`,
    hint: `Set ${place}.${PARENT_OPTIONS.parent} to one of it ("ip link"), or leave it out for a network without a way out.`,
  };
}

function refuse({ findings }: SubnetContext, { key, name }: Network, { message, hint }: Problem): undefined {
  findings.conflicts.push({
    address: networkAddress(key),
    message: `Cannot create network "${name}": ${message}`,
    hint,
  });
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

/** What a network has of one family of addresses. */
interface FamilyPart {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly range?: string;
  readonly reserved?: readonly string[];
}

function familyPart(context: SubnetContext, network: Network, family: 4 | 6, hosts: number): FamilyPart | undefined {
  const pools = network.ipam.filter((pool) => isIpv6(anyAddress(pool)) === (family === 6));
  if (pools.length > 1) {
    const message = `it has ${pools.length} IPv${family} subnets, and a network has one of each family`;
    return refuse(context, network, {
      message,
      hint: `Keep one of networks.${network.key}.ipam.config, or make a network of each.`,
    });
  }
  const pool: IpamPool = pools[0] ?? { auxAddresses: {} };
  const existing = existingSpec(context, network)?.[`subnet${family}`];
  const subnet = pool.subnet ?? existing ?? freeSubnet(context, network, family, hosts);
  if (subnet === undefined) return undefined;
  for (const [what, address] of Object.entries({ gateway: pool.gateway, ip_range: pool.ipRange })) {
    if (address === undefined || isInside(address.replace(/\/.*/, ''), subnet)) continue;
    const message = `${what} ${address} lies outside of subnet ${subnet}`;
    return refuse(context, network, { message, hint: `Correct networks.${network.key}.ipam.config.` });
  }
  return {
    subnet,
    gateway: pool.gateway ?? defaultGateway(subnet),
    ...(pool.ipRange !== undefined && { range: pool.ipRange }),
    reserved: Object.values(pool.auxAddresses).sort(),
  };
}

/** One of the addresses of a pool: they are all of one family. Empty: it names none. */
function anyAddress({ subnet, gateway, ipRange, auxAddresses }: IpamPool): string {
  return subnet ?? gateway ?? ipRange ?? Object.values(auxAddresses)[0] ?? '';
}

function freeSubnet(context: SubnetContext, network: Network, family: 4 | 6, hosts: number): string | undefined {
  const taken = takenSubnets(context);
  if (family === 6) return allocateSubnet6(context.stack.name, network.key, taken);
  try {
    return allocateSubnet(
      taken.filter((subnet) => !isIpv6(subnet)),
      hosts,
    );
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    const hint = `Take down stacks that are not needed, or set networks.${network.key}.ipam.config to a free subnet.`;
    return refuse(context, network, { message: `${error.message} (${holdersOf(context)})`, hint });
  }
}

/** Who has most of the default pools: `stack "demo": 3 networks; route of "tun0": 10.0.0.0/8`. */
function holdersOf({ stack, observed }: SubnetContext): string {
  const networks = new Map<string, number>();
  const own = Object.values(observed.networks).map(({ spec }) => spec);
  for (const owner of [...observed.host.foreignSubnets.map((each) => each.owner), ...own.map((spec) => spec.stack)]) {
    networks.set(owner, (networks.get(owner) ?? 0) + 1);
  }
  const bridges = new Set(own.map((spec) => spec.bridge));
  const routes = observed.host.routes
    .filter(
      ({ destination, device }) => !bridges.has(device) && !device.startsWith('ts-') && overlapsPools(destination),
    )
    .sort((left, right) => prefixOf(left.destination) - prefixOf(right.destination))
    .slice(0, MOST_HOLDERS)
    .map(({ destination, device }) => `route of "${device}": ${destination}`);
  const stacks = [...networks]
    .sort(([, left], [, right]) => right - left)
    .slice(0, MOST_HOLDERS)
    .map(([owner, count]) => `stack "${owner || stack.name}": ${count} network${count === 1 ? '' : 's'}`);
  return [...stacks, ...routes].join('; ');
}

/** Lines of an error that lists everyone would be read by nobody. */
const MOST_HOLDERS = 5;

function overlapsPools(destination: string): boolean {
  return prefixOf(destination) > 1 && DEFAULT_POOLS.some((pool) => subnetsOverlap(pool, destination));
}

function prefixOf(destination: string): number {
  return Number(destination.split('/')[1]);
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
