import type { HostOp } from '../host/op.ts';
import type { NetworkSpec } from '../model/container.ts';

/** Bridge with its gateway address, up, and its nft rules (masquerading unless internal, isolation from other networks). */
export function createNetwork(_network: NetworkSpec): readonly HostOp[] {
  throw new Error('not written yet');
}

export function removeNetwork(_network: NetworkSpec): readonly HostOp[] {
  throw new Error('not written yet');
}

/** What every network needs once a machine: our nft table, forwarding. Safe to repeat. */
export function prepareHost(): readonly HostOp[] {
  throw new Error('not written yet');
}

/** Undo `prepareHost()` when no network of ours is left. `before` is what `readHostSettings()` said before it. */
export function restoreHost(_before: HostSettings): readonly HostOp[] {
  throw new Error('not written yet');
}

/** Settings of the machine that `prepareHost()` changes, to be recorded before the first change. */
export interface HostSettings {
  /** `/proc/sys/net/ipv4/ip_forward`. */
  readonly ipv4Forward: string;
  readonly ipv6Forward: string;
  /** Was /run/netns a mount point (iproute2 makes it one) and a directory. */
  readonly netnsMounted: boolean;
  readonly netnsDirectory: boolean;
}
