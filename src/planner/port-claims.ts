import type { PublishedPort } from '../model/container.ts';

/** One user of a host port. */
export interface PortHolder {
  /** In words: `service.web[1]`, `nginx (pid 123)`. */
  readonly owner: string;
  readonly kind: 'planned' | 'bystander' | 'orphan' | 'process' | 'stack';
  /** Absent: every address of the host. */
  readonly hostIp?: string;
}

type HostPort = Pick<PublishedPort, 'protocol' | 'hostPort' | 'hostIp'>;

/** Who uses which host port, by protocol, number and address. */
export type PortClaims = Map<string, readonly PortHolder[]>;

export function claimPort(claims: PortClaims, port: HostPort, holder: Omit<PortHolder, 'hostIp'>): void {
  const key = `${port.protocol}/${port.hostPort}`;
  const entry: PortHolder = { ...holder, ...(port.hostIp !== undefined && { hostIp: port.hostIp }) };
  claims.set(key, [...(claims.get(key) ?? []), entry]);
}

export function portHolder(claims: PortClaims, port: HostPort): PortHolder | undefined {
  const holders = claims.get(`${port.protocol}/${port.hostPort}`);
  return holders?.find((holder) => hostIpsOverlap(holder.hostIp, port.hostIp));
}

/** Whether a socket on one host address keeps another from having the same port. Absent or `*`: every address. */
export function hostIpsOverlap(left: string | undefined, right: string | undefined): boolean {
  if (isWildcard(left) || isWildcard(right)) return true;
  if (left === '0.0.0.0' || right === '0.0.0.0') return left?.includes(':') === right?.includes(':');
  return left === right;
}

/** A socket bound to `::` takes IPv4 as well, unless it says otherwise (ipv6(7), IPV6_V6ONLY). */
function isWildcard(hostIp: string | undefined): boolean {
  return hostIp === undefined || hostIp === '' || hostIp === '*' || hostIp === '::';
}
