import { machineName } from '../model/address.ts';
import type { Endpoint, NetworkSpec } from '../model/container.ts';
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
  const interfaces = interfaceNames(draft);
  const gateway = gatewayNetwork(draft, networks);
  return orderedNetworks(spec).flatMap(([key, attachment]) => {
    const network = networks.get(key);
    if (network === undefined) return [];
    const ipv4 = addresses.get(addressKey(key, 'ipv4', spec));
    const ipv6 = addresses.get(addressKey(key, 'ipv6', spec));
    const { macAddress } = attachment;
    const mtu = mtuOf(network);
    return {
      network: key,
      networkName: network.name,
      bridge: network.bridge,
      hostInterface: hostInterfaceName(machineName(spec.key), key),
      containerInterface: interfaces.get(key) ?? 'eth0',
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv4 !== undefined && key === gateway && network.gateway4 && { gateway4: network.gateway4 }),
      ...(ipv6 !== undefined && { ipv6 }),
      ...(ipv6 !== undefined && key === gateway && network.gateway6 && { gateway6: network.gateway6 }),
      ...(macAddress !== undefined && { macAddress }),
      ...(mtu !== undefined && { mtu }),
      names: [...new Set([spec.name, spec.key.service, ...attachment.aliases, shortId(spec.key)])],
    };
  });
}

/**
 * The network of the default route: the highest `gw_priority`, else the one that a container which stays has it on,
 * else the first; internal networks have no way out.
 */
function gatewayNetwork(draft: Draft, networks: ReadonlyMap<string, NetworkSpec>): string | undefined {
  const present = stays(draft)
    ? draft.observed?.endpoints.find(({ gateway4, gateway6 }) => (gateway4 ?? gateway6) !== undefined)?.network
    : undefined;
  const candidates = orderedNetworks(draft.spec).filter(([key]) => networks.get(key)?.internal === false);
  const [best] = candidates.sort(
    ([leftKey, left], [rightKey, right]) =>
      right.gatewayPriority - left.gatewayPriority || Number(rightKey === present) - Number(leftKey === present),
  );
  return best?.[0];
}

/** Docker's option for a bridge's MTU, which its interfaces must have too. */
function mtuOf({ driverOptions }: NetworkSpec): number | undefined {
  const mtu = Number(driverOptions['com.docker.network.driver.mtu']);
  return Number.isInteger(mtu) && mtu > 0 ? mtu : undefined;
}
