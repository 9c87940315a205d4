/** What the kernel is told to allow a service: privileges, limits, namespaces. */

export interface Security {
  readonly privileged: boolean;
  /** Kernel names in upper case without `CAP_`, or `ALL`. */
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  /** `default`, `unconfined`, or the absolute path of a profile in Docker's JSON format. */
  readonly seccomp: string;
  /** Name of a profile that AppArmor has loaded, or `unconfined`. Absent: nothing is asked for. */
  readonly appArmor?: string;
  /** Parts of an SELinux context that are not the machine's usual ones. Absent: nothing is asked for. */
  readonly seLinux?: SeLinuxLabel;
  /** Nothing below /proc and /sys is masked or made read-only besides. */
  readonly systemPaths?: 'unconfined';
  readonly devices: readonly Device[];
}

/** At least one of them. */
export interface SeLinuxLabel {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
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

/** The names that ulimits have in stack files; their numbers are those of asm-generic/resource.h, in this order. */
export const ULIMITS: readonly string[] = [
  'cpu',
  'fsize',
  'data',
  'stack',
  'core',
  'rss',
  'nproc',
  'nofile',
  'memlock',
  'as',
  'locks',
  'sigpending',
  'msgqueue',
  'nice',
  'rtprio',
  'rttime',
];

/** Of /dev/shm, unless said otherwise: Docker's. */
export const DEFAULT_SHM_BYTES = 64 * 2 ** 20;

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
  /** Processes wait instead of being killed where there is no memory left; cgroup v1. */
  readonly oomKillDisable?: true;
  /** 0 to 100; cgroup v1. */
  readonly memorySwappiness?: number;
  /** `device_cgroup_rules`: `c 10:200 rwm`. */
  readonly deviceRules?: readonly string[];
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

/** A namespace of another container: of that service's first replica, or of the container of that name or short id. */
export type SharedNamespace =
  | { readonly type: 'service'; readonly service: string }
  | { readonly type: 'container'; readonly container: string };

export interface NamespaceModes {
  readonly pid: 'private' | 'host' | SharedNamespace;
  /** `shareable`: an own one that others may join. `none`: an own one, without /dev/shm. */
  readonly ipc: 'private' | 'shareable' | 'none' | 'host' | SharedNamespace;
  readonly uts: 'private' | 'host';
  readonly cgroup: 'private' | 'host';
  /** `private`: an own range of uids and gids. Default `host`: no user namespace, as Docker. */
  readonly user: 'private' | 'host';
  /** `private`: an own CLOCK_MONOTONIC and CLOCK_BOOTTIME (`x-time-namespace: true`). */
  readonly time: 'private' | 'host';
}
