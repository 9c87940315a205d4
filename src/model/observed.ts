import type { ContainerSpec, Endpoint, NetworkSpec, PublishedPort, VolumeSpec } from './container.ts';
import type { HealthStatus } from './health.ts';
import type { ImageInfo } from './image.ts';
import type { Resources } from './limits.ts';
import type { LiveNetwork } from './live.ts';
import type { Role } from './update.ts';

/** What is there now: the kernel's truth joined with our records. Plain JSON, keys are addresses' parts. */
export interface ObservedState {
  /** Containers of the stack by `replicaName()`. */
  readonly containers: Readonly<Record<string, ObservedContainer>>;
  /** Networks of the stack by key. */
  readonly networks: Readonly<Record<string, ObservedNetwork>>;
  /** Volumes on the machine by real name. */
  readonly volumes: Readonly<Record<string, VolumeSpec>>;
  /** Real names of volumes whose `driver_opts` are not mounted. */
  readonly unmountedVolumes?: readonly string[];
  /** Images that the stack's services name, by `imageKey(source)`. */
  readonly images: Readonly<Record<string, ImageInfo>>;
  readonly host: ObservedHost;
}

/** `created`: never started. `restarting`: waits for its next start after an exit. */
export const CONTAINER_STATUSES = ['created', 'running', 'paused', 'restarting', 'exited'] as const;

export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

export interface ObservedContainer {
  /** What it was last made from. */
  readonly spec: ContainerSpec;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Absent: it is the replica; else another container of that is there, or was. */
  readonly role?: Role;
  /** What was changed on its networks by hand; absent: nothing. */
  readonly live?: LiveNetwork;
  readonly status: ContainerStatus;
  readonly health: HealthStatus;
  /** Process id of the container's pid 1 on the host; while running. */
  readonly pid?: number;
  /** 0 to 255, 128 + signal for a killed one; absent: never ran, still running, or lost with its supervisor. */
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** The user stopped it: restart policies rest until the next start. */
  readonly stoppedByUser: boolean;
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Differences between the kernel and the record: `veth ts-web1-a1b2c is missing`. */
  readonly drift: readonly Drift[];
}

/** How a run ended. */
export interface RunEnd {
  readonly finishedAtMs: number;
  /** Absent: it was lost. */
  readonly exitCode?: number;
  readonly oomKilled: boolean;
}

/** What is mended under a running process. */
export type Repair = 'resources' | 'network' | 'shape' | 'cuts' | 'ports' | 'names' | 'frozen';

export interface Drift {
  /**
   * What the way back is: write the limits again, make the network, how it is shaped or cut, its ports or the hosts file
   * again, let it go on,
   * start it anew (which makes its mounts), or replace the container.
   */
  readonly kind: Repair | 'mounts' | 'rootfs';
  readonly message: string;
}

export interface ObservedNetwork {
  /** Under the key that the stack has it by. */
  readonly spec: NetworkSpec;
  /** As its owner made it, where that has it by another key. */
  readonly owned?: NetworkSpec;
  readonly drift: readonly Drift[];
}

export interface ObservedHost {
  readonly routes: readonly Route[];
  /** Interfaces of the machine by name; absent: not looked at. */
  readonly links?: Readonly<Record<string, HostLink>>;
  readonly listeners: readonly Listener[];
  /** Host ports published by other stacks. */
  readonly foreignPorts: readonly (PublishedPort & { readonly owner: string })[];
  /** Subnets of other stacks' networks: `10.1.2.0/24`. */
  readonly foreignSubnets: readonly { readonly subnet: string; readonly owner: string }[];
  /** Addresses that containers of other stacks hold on networks, by the network's real name. */
  readonly foreignAddresses?: Readonly<Record<string, readonly string[]>>;
  /** Containers of other stacks that are on a network, by its real name. */
  readonly foreignNetworkUsers?: Readonly<Record<string, readonly string[]>>;
  /** Containers of other stacks that mount a volume, by its real name. */
  readonly foreignVolumeUsers?: Readonly<Record<string, readonly string[]>>;
  /** Container names used by other stacks. */
  readonly foreignContainerNames: readonly string[];
  readonly cgroupVersion: 1 | 2;
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface HostLink {
  /** What is ours says whose it is: `tsstack demo network.default`. */
  readonly alias?: string;
  /** Without their prefixes; absent: none. */
  readonly addresses?: readonly string[];
  readonly mtu?: number;
}

export interface Route {
  /** CIDR; a host route ends in /32 or /128. The default route is left out. */
  readonly destination: string;
  readonly device: string;
}

/** A socket of a process of the host that already has a port. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** `0.0.0.0`, `::`, `127.0.0.1`, … */
  readonly address: string;
  readonly port: number;
  /** `nginx (pid 123)`; absent when it can't be seen. */
  readonly owner?: string;
}

/** Usage as the container's cgroup tells it. */
export interface Usage {
  readonly cpuUsec: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes?: number;
  readonly pids: number;
  readonly ioReadBytes: number;
  readonly ioWriteBytes: number;
  /** Processes killed for lack of memory since the cgroup was made. */
  readonly oomKills: number;
  /** Percent of the last ten seconds in which some process of it waited for this; absent: the kernel does not tell. */
  readonly pressure?: Pressure;
  /** The limits as the kernel has them. */
  readonly limits: Pick<Resources, 'memoryBytes' | 'pids' | 'cpuQuotaUs' | 'cpuPeriodUs'>;
}

/** Pressure stall information of a cgroup (Documentation/accounting/psi.rst), where it is on. */
export interface Pressure {
  readonly cpu?: number;
  readonly memory?: number;
  readonly io?: number;
}

/** Bytes that went over a container's interfaces since it was started, without its loopback. */
export interface Traffic {
  readonly rxBytes: number;
  readonly txBytes: number;
}
