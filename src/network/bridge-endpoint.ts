import type { Endpoint } from '../model/container.ts';

/** An endpoint with a veth pair whose host's end is a port of a bridge. */
export type BridgeEndpoint = Endpoint & { readonly bridge: string; readonly hostInterface: string };

export function isOnBridge(endpoint: Endpoint): endpoint is BridgeEndpoint {
  return endpoint.bridge !== undefined && endpoint.hostInterface !== undefined;
}
