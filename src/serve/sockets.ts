import { isIPv6 } from 'node:net';

/** For what nobody waits for: a datagram that cannot be sent is lost, as datagrams are. */
export function ignore(): void {}

/** Addresses come from the kernel: nothing is to be looked up, and nothing to be waited for. */
export function asItIs(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4);
}
