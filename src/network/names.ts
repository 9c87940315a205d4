import type { ContainerSpec, Endpoint } from '../model/container.ts';

/** A container that others may call by name. */
export interface Peer {
  readonly endpoints: readonly Endpoint[];
}

/**
 * /etc/hosts of a container: localhost, its own names, `extra_hosts` (`host-gateway` is its gateway), and the names of
 * every peer on a network that it shares.
 */
export function hostsFile(_spec: ContainerSpec, _endpoints: readonly Endpoint[], _peers: readonly Peer[]): string {
  throw new Error('not written yet');
}

/** /etc/resolv.conf of a container: `dns`, `dns_search`, `dns_opt`, else the host's own without loopback servers. */
export function resolvConf(_spec: ContainerSpec, _hostResolvConf: string): string {
  throw new Error('not written yet');
}
