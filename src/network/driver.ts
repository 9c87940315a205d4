import type { HostOp } from '../host/op.ts';
import type { NetworkSpec } from '../model/container.ts';
import type { Drift } from '../model/observed.ts';
import { createNetwork, removeNetwork } from './bridge.ts';
import { type BridgeNetwork, isBridged } from './bridge-network.ts';
import { type NetworkState, networkDrift } from './inspect.ts';
import { createTunnel, isOverlay, removeTunnel } from './overlay.ts';
import { createParent, hasParent, parentDrift, removeParent } from './parent.ts';

/** Makes what a network has on the host, or brings it up to date; `before` is what it was made from. */
export function setUpNetwork(network: NetworkSpec, before?: NetworkSpec): readonly HostOp[] {
  if (isBridged(network)) return setUpBridge(network, before !== undefined && isBridged(before) ? before : undefined);
  return hasParent(network) ? createParent(network) : [];
}

function setUpBridge(network: BridgeNetwork, before: BridgeNetwork | undefined): readonly HostOp[] {
  if (!isOverlay(network)) return createNetwork(network, before);
  const had = before !== undefined && isOverlay(before) ? before : undefined;
  return [...createNetwork(network, before), ...createTunnel(network, had)];
}

/** What there is to know before a network is taken down. */
export interface TakeDown {
  /** `keep`: the interface of the name is somebody else's. */
  readonly link: 'delete' | 'keep';
  /** Another network with the same parent. */
  readonly heir?: NetworkSpec;
  /** All other networks of the machine; absent: none. */
  readonly others?: readonly NetworkSpec[];
}

export function takeDownNetwork(network: NetworkSpec, { link, heir, others = [] }: TakeDown): readonly HostOp[] {
  if (isBridged(network)) {
    const bridge = removeNetwork(network, link, others.filter(isBridged));
    return isOverlay(network) ? [...removeTunnel(network), ...bridge] : bridge;
  }
  return hasParent(network) && link === 'delete' ? removeParent(network, heir) : [];
}

/** What is missing or different of a network on the host. */
export function driftOf(state: NetworkState, network: NetworkSpec): readonly Drift[] {
  if (isBridged(network)) return networkDrift(state, network);
  return hasParent(network) ? parentDrift(state, network) : [];
}
