import type { Host } from '../host/host.ts';

/** What a launch must know of the machine. */
export interface KernelFacts {
  readonly arch: 'x86_64' | 'aarch64';
  /** `6.18`. */
  readonly version: readonly [number, number];
  /** /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** Capabilities that we have ourselves: none beyond can be given. Bit mask in hex, from CapBnd. */
  readonly boundingSet: string;
  /** Paths to mask that are there, and what they are. */
  readonly maskedPaths: readonly { readonly path: string; readonly type: 'file' | 'directory' }[];
  /** Hard limits of this process, by ulimit name; Infinity as -1. */
  readonly hardLimits: Readonly<Record<string, number>>;
  readonly cgroupVersion: 1 | 2;
  /** cgroup v1: mount points with their controllers, for the container's /sys/fs/cgroup. */
  readonly cgroupMounts: readonly { readonly path: string; readonly options: string }[];
}

export function readKernelFacts(_host: Host): KernelFacts {
  throw new Error('not written yet');
}
