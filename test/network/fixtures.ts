import type { ContainerKey } from '../../src/model/address.ts';
import { machineName } from '../../src/model/address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec } from '../../src/model/container.ts';
import { bridgeName, defaultGateway, hostInterfaceName } from '../../src/network/ipam.ts';

export function keyOf(service: string, index = 1): ContainerKey {
  return { stack: 'demo', service, index };
}

export function networkOf(key: string, subnet4: string, more: Partial<NetworkSpec> = {}): NetworkSpec {
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

export function endpointOf(
  key: ContainerKey,
  network: NetworkSpec,
  ipv4: string,
  more: Partial<Endpoint> = {},
): Endpoint {
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
