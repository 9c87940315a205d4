import type { HostOp } from '../host/op.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';

/** Make the container's named network namespace with loopback up and all its endpoints connected and configured. */
export function createSandbox(_key: ContainerKey, _endpoints: readonly Endpoint[]): readonly HostOp[] {
  throw new Error('not written yet');
}

/** Join one more network while the container runs. */
export function connectEndpoint(_key: ContainerKey, _endpoint: Endpoint): readonly HostOp[] {
  throw new Error('not written yet');
}

/** Leave a network while the container runs. */
export function disconnectEndpoint(_key: ContainerKey, _endpoint: Endpoint): readonly HostOp[] {
  throw new Error('not written yet');
}

/** Delete the namespace; its veth pairs go with it. */
export function removeSandbox(_key: ContainerKey): readonly HostOp[] {
  throw new Error('not written yet');
}
