import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import type { ContainerSpec, Endpoint, PublishedPort } from '../model/container.ts';
import type { Role } from '../model/update.ts';
import { allowHostAccess, denyHostAccess, type EndpointOptions } from '../network/endpoint.ts';
import { publishPorts, unpublishPorts } from '../network/ports.ts';

/** What making endpoints must know of the kernel. */
export function sandboxOptions(host: Host): EndpointOptions {
  return { ipv6: host.stat('/proc/sys/net/ipv6') !== undefined };
}

/** A container's ways in and out besides its networks: published ports, and the host where its file asks for that. */
export interface Exposure {
  readonly spec: ContainerSpec;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Published ports are those of the replica, not of the container that is to be or was it. */
  readonly role?: Role;
}

export function openToHost({ spec, endpoints, ports, role }: Exposure): readonly HostOp[] {
  const own = role === undefined ? ports : [];
  return [...publishPorts(spec.key, own, endpoints), ...(reachesHost(spec) ? allowHostAccess(endpoints) : [])];
}

export function closeToHost({ spec, endpoints, ports, role }: Exposure): readonly HostOp[] {
  const own = role === undefined ? ports : [];
  return [...unpublishPorts(spec.key, own, endpoints), ...(reachesHost(spec) ? denyHostAccess(endpoints) : [])];
}

/** `extra_hosts: ["host.docker.internal:host-gateway"]` is how a stack file gives a container the host's own sockets. */
function reachesHost(spec: ContainerSpec): boolean {
  return spec.extraHosts.some(({ address }) => address === 'host-gateway');
}
