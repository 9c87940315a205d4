import type { HostOp } from '../host/op.ts';
import { networkAlias } from '../model/address.ts';
import type { Endpoint, NetworkSpec } from '../model/container.ts';
import type { NetworkParent, ParentLink } from '../model/network-drivers.ts';
import type { Drift } from '../model/observed.ts';
import type { NetworkState } from './inspect.ts';

/** A network of the driver macvlan or ipvlan. */
export type ParentNetwork = NetworkSpec & { readonly parent: NetworkParent };

/** A place on one. */
export type ParentEndpoint = Endpoint & { readonly parent: ParentLink };

export function hasParent(network: NetworkSpec): network is ParentNetwork {
  return network.parent !== undefined;
}

export function isBelowParent(endpoint: Endpoint): endpoint is ParentEndpoint {
  return endpoint.parent !== undefined;
}

/** The parent, where it is ours to make; what is the user's is not touched, not even brought up. */
export function createParent(network: ParentNetwork): readonly HostOp[] {
  const { device, vlan, dummy } = network.parent;
  const kind =
    vlan !== undefined ? ['type', 'vlan', 'id', String(vlan.id)] : dummy === true ? ['type', 'dummy'] : undefined;
  if (kind === undefined) return [];
  const below = vlan === undefined ? [] : ['link', vlan.of];
  return [
    { op: 'ip', args: ['link', 'add', ...below, 'name', device, ...kind], tolerate: 'exists' },
    { op: 'ip', args: ['link', 'set', 'dev', device, 'alias', networkAlias(network), 'up'] },
  ];
}

/** `heir`: another network that the same parent serves; then it becomes that one's. */
export function removeParent(network: ParentNetwork, heir?: NetworkSpec): readonly HostOp[] {
  const { device, vlan, dummy } = network.parent;
  if (vlan === undefined && dummy === undefined) return [];
  if (heir !== undefined) {
    const args = ['link', 'set', 'dev', device, 'alias', networkAlias(heir)];
    return [{ op: 'ip', args, tolerate: 'absent' }];
  }
  return [{ op: 'ip', args: ['link', 'del', 'dev', device], tolerate: 'absent' }];
}

/** Whether the user's own is up is the user's business. */
export function parentDrift({ links }: NetworkState, { parent }: ParentNetwork): readonly Drift[] {
  const { device, vlan, dummy } = parent;
  const link = links.get(device);
  if (link === undefined) return [{ kind: 'network', message: `interface ${device} is missing` }];
  const isOurs = vlan !== undefined || dummy === true;
  return link.up || !isOurs ? [] : [{ kind: 'network', message: `interface ${device} is down` }];
}

/** The interface is born in the container's namespace; nothing of it is seen on the host. */
export function createBelow(netns: string, endpoint: ParentEndpoint, link: readonly string[]): HostOp {
  const { containerInterface, parent } = endpoint;
  const { driver, device, mode, flag } = parent;
  const kind = ['type', driver, 'mode', mode, ...(flag === undefined ? [] : [flag])];
  return {
    op: 'ip',
    args: ['link', 'add', 'link', device, 'name', containerInterface, ...link, 'netns', netns, ...kind],
    tolerate: 'exists',
  };
}

export function deleteBelow(netns: string, { containerInterface }: ParentEndpoint): HostOp {
  return { op: 'ip', netns, args: ['link', 'del', 'dev', containerInterface], tolerate: 'absent' };
}
