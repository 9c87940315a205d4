import type { NetworkSpec } from '../model/container.ts';

/** A network that is a bridge of this host. */
export type BridgeNetwork = NetworkSpec & { readonly bridge: string };

export function isBridged(network: NetworkSpec): network is BridgeNetwork {
  return network.bridge !== undefined;
}
