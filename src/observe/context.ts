import type { Cgroups } from '../cgroup/cgroup.ts';
import type { Host } from '../host/host.ts';
import type { ContainerKey } from '../model/address.ts';
import type { Endpoint, PublishedPort } from '../model/container.ts';
import type { HealthStatus } from '../model/health.ts';
import type { Paths } from '../store/paths.ts';
import type { Records } from '../store/records.ts';

/** What only the supervisor knows of a container. */
export interface SupervisedState {
  readonly health: HealthStatus;
  /** It is taken to run: should it have ended, whether it is started again is not decided yet. */
  readonly runs: boolean;
  /** Waiting for its next start. */
  readonly restarting: boolean;
  /** What a start waits for: `db to be healthy`. */
  readonly detail?: string;
}

/** Subnets, addresses and host ports that a plan has chosen and not yet taken. */
export interface Reservation {
  readonly subnets: readonly string[];
  readonly endpoints: readonly Pick<Endpoint, 'networkName' | 'ipv4' | 'ipv6'>[];
  readonly ports: readonly PublishedPort[];
  readonly containerNames: readonly string[];
}

/** Everything that looking at the machine takes. */
export interface ObserveContext {
  readonly host: Host;
  readonly paths: Paths;
  readonly records: Records;
  readonly cgroups: Cgroups;
  readonly bootId: string;
  /** What plans that are being carried out will take, by stack. */
  readonly reserved: ReadonlyMap<string, Reservation>;
  /** Whose sockets are ours: the process that relays ports. */
  readonly serving?: { readonly pid: number | undefined };
  /** We are an ordinary user's: ports are those of the machine outside. */
  readonly outside?: { readonly listeners: () => Promise<string> };
  readonly supervised: (key: ContainerKey) => SupervisedState;
}
