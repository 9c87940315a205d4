import type { HostOp } from '../host/op.ts';
import { type ContainerKey, containerAddress } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';
import { isOnBridge } from './bridge-endpoint.ts';
import { reshapeEndpoint, shapeEndpoint } from './shape.ts';

/** What must be known of the kernel. */
export interface ShapeOptions {
  /**
   * The program that is to load the module `ifb`, which is not there yet. Loaded by the kernel itself it would begin with
   * two devices that nobody needs.
   */
  readonly modprobe?: string;
}

/** Makes links that are there as shaped as their endpoints say, whatever they are like. */
export function shapeEndpoints(
  key: ContainerKey,
  endpoints: readonly Endpoint[],
  options: ShapeOptions = {},
): readonly HostOp[] {
  const ops = endpoints
    .filter(isOnBridge)
    .flatMap((endpoint) => (endpoint.shape === undefined ? [] : shapeEndpoint(endpoint, aliasOf(key, endpoint))));
  return [...loadIfb(endpoints, ops, options), ...ops];
}

function loadIfb(endpoints: readonly Endpoint[], ops: readonly HostOp[], { modprobe }: ShapeOptions): HostOp[] {
  const needed = ops.length > 0 && endpoints.some(({ shape }) => shape?.outbound !== undefined);
  return needed && modprobe !== undefined ? [{ op: 'run', argv: [modprobe, 'ifb', 'numifbs=0'] }] : [];
}

/** Shapes the links of a running container otherwise than `before` had it; packets that wait where it differs are lost. */
export function reshapeEndpoints(
  key: ContainerKey,
  before: readonly Endpoint[],
  after: readonly Endpoint[],
  options: ShapeOptions = {},
): readonly HostOp[] {
  const old = new Map(before.map((endpoint) => [endpoint.hostInterface, endpoint.shape]));
  const ops = after
    .filter(isOnBridge)
    .flatMap((endpoint) =>
      old.has(endpoint.hostInterface)
        ? reshapeEndpoint(endpoint, old.get(endpoint.hostInterface), aliasOf(key, endpoint))
        : [],
    );
  return [...loadIfb(after, ops, options), ...ops];
}

/** What an interface of a container on the host says of itself. */
export function aliasOf(key: ContainerKey, { network }: Endpoint): string {
  return `tsstack ${key.stack} ${containerAddress(key.service, key.index)} ${network}`;
}
