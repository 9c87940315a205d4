import type { HostOp } from '../host/op.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Endpoint, PublishedPort } from '../model/container.ts';

/** nft elements that send the host's ports to the container: also from the host itself by 127.0.0.1. */
export function publishPorts(
  _key: ContainerKey,
  _ports: readonly PublishedPort[],
  _endpoints: readonly Endpoint[],
): readonly HostOp[] {
  throw new Error('not written yet');
}

export function unpublishPorts(
  _key: ContainerKey,
  _ports: readonly PublishedPort[],
  _endpoints: readonly Endpoint[],
): readonly HostOp[] {
  throw new Error('not written yet');
}
