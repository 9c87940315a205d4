/** A container that is on a network, with its place there. */
export interface NetworkUser {
  readonly stack: string;
  readonly service: string;
  readonly index: number;
  /** Name of the container. */
  readonly name: string;
  readonly running: boolean;
  /** Name of its network namespace, for `ip netns`. */
  readonly sandbox: string;
  /** Host's end of its link; absent where a driver makes none. */
  readonly hostInterface?: string;
  /** Container's end. */
  readonly containerInterface: string;
  /** `10.1.2.3/24`. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly macAddress?: string;
  /** What it is called on this network. */
  readonly names: readonly string[];
  /** It was connected by `network connect`, not by its stack file. */
  readonly byHand: boolean;
}

/** One range of addresses of a network. */
export interface NetworkSubnet {
  /** `10.1.2.0/24`. */
  readonly subnet: string;
  readonly gateway?: string;
  readonly ipRange?: string;
}

/** A network of this machine, and who is on it. */
export interface NetworkSummary {
  readonly name: string;
  /** The stack that made it; empty: `network create` did. */
  readonly stack: string;
  /** Its key in the stack file; of a network of no stack its name. */
  readonly key: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** No way out. */
  readonly internal: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Interface of the host that the hosts' ends are on; absent where a driver makes none. */
  readonly bridge?: string;
  readonly subnets: readonly NetworkSubnet[];
  /** Addresses that no container is given. */
  readonly reserved: readonly string[];
  /** Milliseconds since the epoch; absent: its description is gone. */
  readonly createdAtMs?: number;
  /** Containers, also stopped ones, sorted. */
  readonly users: readonly NetworkUser[];
}

/** What `network create` may say of a network, in the words of its options. */
export interface NetworkOptions {
  readonly name: string;
  /** Absent: bridge. */
  readonly driver?: string;
  /** At most one of each family; empty: a free one is chosen. */
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ipRanges: readonly string[];
  /** Addresses that no container is given, by names of the user's. */
  readonly auxAddresses: Readonly<Record<string, string>>;
  readonly internal: boolean;
  /** Absent: true. */
  readonly ipv4?: boolean;
  /** Absent: true where a subnet is one of IPv6. */
  readonly ipv6?: boolean;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipamDriver?: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
}

/** What `network connect` may say of a connection. */
export interface ConnectionOptions {
  readonly ip?: string;
  readonly ip6?: string;
  readonly aliases: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  /** Higher first; decides which network has the default route. May be below 0. */
  readonly gatewayPriority?: number;
}
