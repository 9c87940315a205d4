import type { Place } from '../canonical/context.ts';

/** One published port: a single host port, or a range of which any free one is taken. */
export interface PortClaim {
  readonly service: string;
  /** Empty: all addresses. */
  readonly hostIp: string;
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
  readonly place: Place;
}

/** Whether a socket on `hostIp` takes the port on `address` as well. */
export function covers(hostIp: string, address: string): boolean {
  return hostIp === address || isEvery(hostIp) || (hostIp === '0.0.0.0' && isV4(address));
}

/** No address and `::` are all addresses. */
export function isEvery(hostIp: string): boolean {
  return hostIp === '' || hostIp === '::';
}

export function isV4(hostIp: string): boolean {
  return hostIp !== '' && !hostIp.includes(':');
}
