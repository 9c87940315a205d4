import type { NetworkAttachment, NetworkMode, Service, Stack } from '../model/stack.ts';
import { member } from './record.ts';

/** How a service is connected, after networks that aren't bridges have been resolved. */
export interface Connection {
  readonly networkMode: NetworkMode;
  readonly networks: Readonly<Record<string, NetworkAttachment>>;
}

/** `host` or `none` for the pseudo networks that Docker has under these names; undefined for a real network. */
export function pseudoNetwork(network: {
  readonly driver: string;
  readonly external: boolean;
  readonly name: string;
}): 'host' | 'none' | undefined {
  if (network.driver === 'host' || (network.external && network.name === 'host')) return 'host';
  if (network.driver === 'null' || network.driver === 'none' || (network.external && network.name === 'none')) {
    return 'none';
  }
  return undefined;
}

/** A service on the pseudo network `host` has network mode host; undefined: it is on another network as well. */
export function connectionOf(stack: Stack, service: Service): Connection | undefined {
  const keys = Object.keys(service.networks);
  const pseudo = keys.flatMap((key) => {
    const network = member(stack.networks, key);
    return (network !== undefined && pseudoNetwork(network)) || [];
  });
  const [type] = pseudo;
  if (service.networkMode.type !== 'networks' || type === undefined) {
    return { networkMode: service.networkMode, networks: service.networks };
  }
  return keys.length === 1 ? { networkMode: { type }, networks: {} } : undefined;
}
