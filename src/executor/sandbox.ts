import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import type { ContainerSpec, Endpoint, PublishedPort } from '../model/container.ts';
import type { Role } from '../model/update.ts';
import { allowHostAccess, denyHostAccess, type EndpointOptions } from '../network/endpoint.ts';
import { publishPorts, unpublishPorts } from '../network/ports.ts';

const MODPROBE = '/sbin/modprobe';

/** What making endpoints must know of the kernel and of the container. */
export function sandboxOptions(host: Host, { security }: Pick<ContainerSpec, 'security'>): EndpointOptions {
  const { privileged, capAdd } = security;
  return {
    ipv6: host.stat('/proc/sys/net/ipv6') !== undefined,
    routes: privileged || capAdd.some((capability) => capability === 'NET_ADMIN' || capability === 'ALL'),
    ...(isModuleToLoad(host) && { modprobe: MODPROBE }),
  };
}

/** `ifb` is a module, and is not loaded yet. */
function isModuleToLoad(host: Host): boolean {
  if (host.stat('/sys/module/ifb') !== undefined || host.stat(MODPROBE) === undefined) return false;
  const release = host.readText('/proc/sys/kernel/osrelease')?.trim() ?? '';
  const file = `/lib/modules/${release}/kernel/drivers/net/ifb.ko`;
  return ['', '.xz', '.zst', '.gz'].some((packed) => host.stat(file + packed) !== undefined);
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
