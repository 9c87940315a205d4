import type { ContainerKey } from '../../src/model/address.ts';
import { machineName } from '../../src/model/address.ts';
import type { ContainerSpec, Endpoint } from '../../src/model/container.ts';
import type { BridgeNetwork } from '../../src/network/bridge-network.ts';
import { bridgeName, defaultGateway, hostInterfaceName } from '../../src/network/ipam.ts';

export function keyOf(service: string, index = 1): ContainerKey {
  return { stack: 'demo', service, index };
}

export function networkOf(key: string, subnet4: string, more: Partial<BridgeNetwork> = {}): BridgeNetwork {
  return {
    stack: 'demo',
    key,
    name: `demo_${key}`,
    driver: 'bridge',
    driverOptions: {},
    internal: false,
    labels: {},
    bridge: bridgeName('demo', key),
    subnet4,
    gateway4: defaultGateway(subnet4),
    reserved4: [],
    ...more,
  };
}

type BridgeEndpoint = Endpoint & { readonly bridge: string; readonly hostInterface: string };

export function endpointOf(
  key: ContainerKey,
  network: BridgeNetwork,
  ipv4: string,
  more: Partial<BridgeEndpoint> = {},
): BridgeEndpoint {
  return {
    network: network.key,
    networkName: network.name,
    bridge: network.bridge,
    hostInterface: hostInterfaceName(machineName(key), network.key),
    containerInterface: 'eth0',
    ipv4,
    ...(!network.internal && network.gateway4 !== undefined && { gateway4: network.gateway4 }),
    names: [key.service],
    ...more,
  };
}

/** What names.ts reads of a container. */
export function containerOf(more: Partial<ContainerSpec> = {}): ContainerSpec {
  const spec: Partial<ContainerSpec> = {
    key: keyOf('web'),
    hostname: 'web',
    domainname: '',
    networkMode: { type: 'networks' },
    extraHosts: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    ...more,
  };
  return spec as ContainerSpec;
}
