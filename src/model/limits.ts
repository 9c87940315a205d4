/** What the kernel is told to allow a service: privileges, limits, namespaces. */

export interface Security {
  readonly privileged: boolean;
  /** Kernel names in upper case without `CAP_`, or `ALL`. */
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  /** `default`, `unconfined`, or the absolute path of a profile in Docker's JSON format. */
  readonly seccomp: string;
  readonly devices: readonly Device[];
}

export interface Device {
  readonly source: string;
  readonly target: string;
  /** Letters out of `rwm`. */
  readonly permissions: string;
}

export interface Ulimit {
  /** -1: unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/** Absent: not limited. Both syntaxes (`mem_limit` and `deploy.resources`) end here. */
export interface Resources {
  /** CPUs, for example 0.5. */
  readonly cpus?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  /** 2 to 262144, default 1024. */
  readonly cpuShares?: number;
  /** Linux list format: `0-2,7`. */
  readonly cpuset?: string;
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory plus swap; -1: swap without limit. */
  readonly memorySwapBytes?: number;
  /** -1: unlimited. Absent: the engine's default of 2048. */
  readonly pids?: number;
  readonly blkio?: Blkio;
  readonly oomScoreAdj?: number;
}

export interface Blkio {
  /** 10 to 1000. */
  readonly weight?: number;
  readonly weightDevice: readonly { readonly path: string; readonly weight: number }[];
  readonly deviceReadBps: readonly DeviceRate[];
  readonly deviceWriteBps: readonly DeviceRate[];
  readonly deviceReadIops: readonly DeviceRate[];
  readonly deviceWriteIops: readonly DeviceRate[];
}

export interface DeviceRate {
  readonly path: string;
  /** Bytes or operations a second. */
  readonly rate: number;
}

export interface NamespaceModes {
  readonly pid: 'private' | 'host';
  readonly ipc: 'private' | 'host';
  readonly uts: 'private' | 'host';
  readonly cgroup: 'private' | 'host';
  /** `private`: an own range of uids and gids. Default `host`: no user namespace, as Docker. */
  readonly user: 'private' | 'host';
  /** `private`: an own CLOCK_MONOTONIC and CLOCK_BOOTTIME (`x-time-namespace: true`). */
  readonly time: 'private' | 'host';
}
