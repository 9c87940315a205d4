import { machineName } from '../model/address.ts';
import type { Endpoint, NetworkSpec } from '../model/container.ts';
import { isRouting } from '../model/network-drivers.ts';
import { bridgeOptions, endpointSysctls, mtuOf } from '../model/network-options.ts';
import { shortId } from '../model/short-id.ts';
import { hostInterfaceName } from '../network/ipam.ts';
import { type Addresses, addressKey } from './addresses.ts';
import type { Draft } from './draft.ts';
import { interfaceNames, orderedNetworks, stays } from './interfaces.ts';

/** The interfaces of a container in order. Networks that could not be planned are left out. */
export function endpointsOf(
  draft: Draft,
  networks: ReadonlyMap<string, NetworkSpec>,
  addresses: Addresses,
): readonly Endpoint[] {
  const { spec } = draft;
  const prefixes = [...networks].map(([key, network]) => [key, bridgeOptions(network).interfacePrefix] as const);
  const interfaces = interfaceNames(draft, new Map(prefixes));
  const gateway = gatewayNetwork(draft, networks);
  return orderedNetworks(draft).flatMap(([key, { byHand, ...attachment }]) => {
    const network = networks.get(key);
    if (network === undefined) return [];
    const ipv4 = addresses.get(addressKey(key, 'ipv4', spec));
    const ipv6 = addresses.get(addressKey(key, 'ipv6', spec));
    const { macAddress, linkLocalIps, shape } = attachment;
    const mtu = mtuOf(network);
    const { betweenContainers, gatewayMode4, gatewayMode6 } = bridgeOptions(network);
    const containerInterface = interfaces.get(key) ?? 'eth0';
    const byDevice = network.parent !== undefined && isRouting(network.parent);
    const isBridge = network.bridge !== undefined;
    const sysctls = endpointSysctls(attachment.driverOptions, containerInterface);
    return {
      network: key,
      networkName: network.name,
      ...connectionOf(draft, network),
      containerInterface,
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv4 !== undefined && key === gateway && network.gateway4 && !byDevice && { gateway4: network.gateway4 }),
      ...(ipv6 !== undefined && { ipv6 }),
      ...(ipv6 !== undefined && key === gateway && network.gateway6 && !byDevice && { gateway6: network.gateway6 }),
      ...(key === gateway && byDevice && { defaultRoute: true }),
      ...(macAddress !== undefined && { macAddress }),
      ...(linkLocalIps !== undefined && { linkLocal: linkLocalIps.map(withLinkLocalPrefix) }),
      ...(sysctls !== undefined && { sysctls }),
      ...(mtu !== undefined && { mtu }),
      ...(isBridge && !betweenContainers && { isolated: true }),
      ...(isBridge && ipv4 !== undefined && gatewayMode4 === 'routed' && { routed4: true }),
      ...(isBridge && ipv6 !== undefined && gatewayMode6 === 'routed' && { routed6: true }),
      ...(isBridge && shape !== undefined && { shape }),
      // As in Docker, the service's name is one of its stack's networks.
      names: [...new Set([spec.name, ...(byHand ? [] : [spec.key.service]), ...attachment.aliases, shortId(spec.key)])],
      ...(byHand && { byHand: attachment }),
    };
  });
}

/** What its interface is connected to, on the host. */
function connectionOf(
  { spec }: Draft,
  { key, bridge, parent }: NetworkSpec,
): Pick<Endpoint, 'bridge' | 'hostInterface' | 'parent'> {
  if (parent !== undefined) {
    const { driver, device, mode, flag } = parent;
    return { parent: { driver, device, mode, ...(flag !== undefined && { flag }) } };
  }
  return bridge === undefined ? {} : { bridge, hostInterface: hostInterfaceName(machineName(spec.key), key) };
}

/**
 * The network of the default route: the highest `gw_priority`, else the one that a container which stays has it on,
 * else the first; internal networks have no way out.
 */
function gatewayNetwork(draft: Draft, networks: ReadonlyMap<string, NetworkSpec>): string | undefined {
  const present = stays(draft)
    ? draft.observed?.endpoints.find(
        ({ gateway4, gateway6, defaultRoute }) => (gateway4 ?? gateway6 ?? defaultRoute) !== undefined,
      )?.network
    : undefined;
  const candidates = orderedNetworks(draft).filter(([key]) => networks.get(key)?.internal === false);
  const [best] = candidates.sort(
    ([leftKey, left], [rightKey, right]) =>
      right.gatewayPriority - left.gatewayPriority || Number(rightKey === present) - Number(leftKey === present),
  );
  return best?.[0];
}

/** Link-local networks are a /16 (RFC 3927) and a /64 (RFC 4291, 2.5.6). */
function withLinkLocalPrefix(address: string): string {
  return `${address}/${address.includes(':') ? 64 : 16}`;
}
