/** What the process knows that answers while the daemon is away (src/serve): all of it is told by the daemon. */
export interface Served {
  readonly networks: readonly ServedNetwork[];
  /** By machine name (`demo.web.1`). */
  readonly containers: Readonly<Record<string, ServedContainer>>;
  readonly relays: readonly ServedRelay[];
}

export interface ServedNetwork {
  /** Its real name: `demo_default`. */
  readonly name: string;
  /** Addresses of the host on it, where names are asked for. */
  readonly gateways: readonly string[];
  /** `10.64.0.0/24`. */
  readonly subnets: readonly string[];
  /** Addresses of other machines on it, where names are answered as here; absent: it is of this machine alone. */
  readonly peers?: readonly string[];
}

export interface ServedContainer {
  /** `demo-web-1`: what an address is called. */
  readonly name: string;
  /** Others find it; what is not running may ask all the same: its `pre_start` containers do. */
  readonly running: boolean;
  /** Its networks, in the order in which names are looked for. */
  readonly places: readonly ServedPlace[];
  readonly hostname: string;
  /** Empty: none. */
  readonly domainname: string;
  /** `extra_hosts`, for itself only. */
  readonly extraHosts: readonly { readonly host: string; readonly addresses: readonly string[] }[];
  /** Servers that it wants to be asked instead of the machine's; empty: the machine's. */
  readonly dns: readonly string[];
  /** It is on a network with a way out: names of others are asked for. */
  readonly forwards: boolean;
  readonly ports: readonly ServedPort[];
}

export interface ServedPlace {
  /** Real name of the network. */
  readonly network: string;
  /** Without a prefix length. */
  readonly addresses: readonly string[];
  readonly names: readonly string[];
}

/** A port of a container that `_NAME._PROTOCOL.SERVICE` (SRV) finds. */
export interface ServedPort {
  readonly names: readonly string[];
  readonly protocol: string;
  readonly port: number;
}

/** A published port of an IPv6 address of the host that the kernel's map cannot lead to the container. */
export interface ServedRelay {
  readonly protocol: 'tcp' | 'udp';
  /** `::` (every IPv6 address), `::1`, or one address. */
  readonly address: string;
  readonly port: number;
  readonly target: { readonly address: string; readonly port: number };
}

/** One line to the process, as JSON. What is left out stays as it was; a container that is `null` is gone. */
export interface ServeRequest {
  readonly id: number;
  readonly networks?: readonly ServedNetwork[];
  readonly containers?: Readonly<Record<string, ServedContainer | null>>;
  readonly relays?: readonly ServedRelay[];
  /** Nothing that was told before counts. */
  readonly anew?: true;
  /** End. */
  readonly end?: true;
}

/** Its answer, when all that it was told is in force. */
export interface ServeReply {
  readonly id: number;
  readonly pid: number;
  /** Sockets that it could not open. */
  readonly failed: readonly FailedSocket[];
}

export interface FailedSocket {
  readonly use: 'names' | 'relay';
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** `EADDRINUSE`, … */
  readonly code: string;
}
