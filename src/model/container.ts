import type { ContainerKey } from './address.ts';
import type { NamespaceModes, Resources, Security, Ulimit } from './limits.ts';
import type { FileMount, Mount } from './mounts.ts';
import type { NetworkParent, ParentLink } from './network-drivers.ts';
import type { OverlayLink } from './network-overlay.ts';
import type { LinkShape } from './shape.ts';
import type {
  Dependency,
  Healthcheck,
  Hook,
  ImageSource,
  NetworkAttachment,
  NetworkMode,
  OneOff,
  PortMapping,
  RestartPolicy,
} from './stack.ts';

/**
 * Everything that makes one container: a service's replica with its image's configuration merged in.
 * Plain JSON: it is recorded when applied, and the planner compares records and desires field by field.
 */
export interface ContainerSpec {
  readonly key: ContainerKey;
  /** `demo-web-1` or `container_name`. */
  readonly name: string;
  readonly image: { readonly source: ImageSource; readonly id: string };
  readonly labels: Readonly<Record<string, string>>;

  /** Entrypoint and command together; at least one word. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** As written (`uid[:gid]` or names), resolved in the root filesystem at launch. Empty: root. */
  readonly user: string;
  readonly groupAdd: readonly string[];
  readonly hostname: string;
  readonly domainname: string;
  readonly init: boolean;
  /** OCI runtime that starts it, by name (`crun`) or absolute path; absent: tsstack itself. */
  readonly runtime?: string;
  readonly tty: boolean;
  readonly stdinOpen: boolean;

  /** Its output is thrown away; absent: it is kept in a file. */
  readonly logDriver?: 'none';
  /** Most of its output that is kept; absent: all. */
  readonly logLimitBytes?: number;

  readonly stopSignal: string;
  readonly stopGracePeriodMs: number;
  readonly restart: RestartPolicy;
  /** Absent: none, neither in the file nor in the image. */
  readonly healthcheck?: Healthcheck;
  /** Start it again when it has become unhealthy; absent: let it run. */
  readonly restartUnhealthy?: true;
  /** What runs to its end, in order, before the container's first start; absent: none. */
  readonly preStart?: readonly PreStart[];
  /** Absent: none. */
  readonly postStart?: readonly Hook[];
  readonly preStop?: readonly Hook[];
  /** Recorded so that `down`, `stop` and `start` know the order without a stack file. */
  readonly dependsOn: Readonly<Record<string, Dependency>>;

  readonly networkMode: NetworkMode;
  readonly networks: Readonly<Record<string, NetworkAttachment>>;
  readonly ports: readonly PortMapping[];
  /** Ports that SRV finds besides: `80`, `8000-8010/udp`. Absent: none. */
  readonly expose?: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly extraHosts: readonly { readonly host: string; readonly address: string }[];

  /** Volume sources are the volumes' real names here; anonymous ones have been named. */
  readonly mounts: readonly ContainerMount[];
  /** Configs and secrets; absent: none. */
  readonly files?: readonly ContainerFile[];
  readonly readOnly: boolean;
  readonly shmSizeBytes: number;

  readonly security: Security;
  readonly ulimits: Readonly<Record<string, Ulimit>>;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly namespaces: NamespaceModes;
  /** Absent: a replica of its service. */
  readonly oneOff?: OneOff;
}

/** One container of `pre_start`, with its image's configuration merged in. */
export interface PreStart {
  /** Absent: the container's own; then what is absent below is the container's, too. */
  readonly image?: ContainerSpec['image'];
  readonly argv: readonly string[];
  /** Over the container's own; with another image all but HOSTNAME. */
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly user?: string;
  readonly privileged: boolean;
  readonly perReplica: boolean;
}

/** `content` tells contents of a bind's source apart, where `onChange` asks for it; `imageId` is what an image has. */
export type ContainerMount = Mount & { readonly content?: string; readonly imageId?: string };

/** Ids of the images that a container is made from: its own, and those that it mounts. */
export function imageIds({ image, mounts }: Pick<ContainerSpec, 'image' | 'mounts'>): readonly string[] {
  return [image.id, ...mounts.flatMap(({ imageId }) => imageId ?? [])];
}

/** The images that a container mounts. */
export function mountedImages({ mounts }: Pick<ContainerSpec, 'mounts'>): readonly ContainerSpec['image'][] {
  return mounts.flatMap((mount) =>
    mount.type === 'image' && mount.imageId !== undefined ? [{ source: mount.image, id: mount.imageId }] : [],
  );
}

/** A config or secret in a container. */
export interface ContainerFile extends FileMount {
  /** Tells one content from another: `sha256:…` of a config, `hmac-sha256:…` of a secret, which cannot be guessed from it. */
  readonly content: string;
}

/** One network interface of a container: decided by IPAM when the container is planned. */
export interface Endpoint {
  /** Network's key in the stack; of one that is none of the stack's `foreignNetworkKey()`. */
  readonly network: string;
  /** Network's real name. */
  readonly networkName: string;
  /** Name of the bridge that the host's end sits on; absent where there is a parent. */
  readonly bridge?: string;
  /** Host's end of the veth pair, at most 15 characters; absent where there is a parent. */
  readonly hostInterface?: string;
  /** Interface of the host that this one is made of (macvlan, ipvlan). */
  readonly parent?: ParentLink;
  /** Container's end: `eth0`, `eth1`, … */
  readonly containerInterface: string;
  /** `10.1.2.3/24`. Absent on a network without IPv4. */
  readonly ipv4?: string;
  /** Default gateway; absent where this endpoint carries no default route. */
  readonly gateway4?: string;
  readonly ipv6?: string;
  readonly gateway6?: string;
  /** The default route is by the interface alone, without a gateway. */
  readonly defaultRoute?: true;
  readonly macAddress?: string;
  /** Further addresses: `169.254.8.8/16`, `fe80::8/64`; absent: none. */
  readonly linkLocal?: readonly string[];
  /** Written in the container's namespace: `net.ipv4.conf.eth0.log_martians` → `1`. Absent: none. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** The network's `com.docker.network.driver.mtu`; absent: 1500. */
  readonly mtu?: number;
  /** Reaches nobody else on its bridge but the host. Absent: it does. */
  readonly isolated?: true;
  /** Published ports are reached by the container's own address. Absent: by the host's, with NAT. */
  readonly routed4?: true;
  readonly routed6?: true;
  /** How the file has it shaped; absent: not at all. */
  readonly shape?: LinkShape;
  /** Names that resolve to this endpoint on this network: service, container name, aliases. */
  readonly names: readonly string[];
  /** What `network connect` asked for; absent: the stack file has the container on this network. */
  readonly byHand?: NetworkAttachment;
}

/** Key that a container has a network under which is none of its stack's; no key of a stack file has a colon. */
export function foreignNetworkKey(name: string): string {
  return `name:${name}`;
}

/** What an endpoint's network is called: its key in the stack, or the name of one that is none of the stack's. */
export function networkLabel({ network, networkName }: Pick<Endpoint, 'network' | 'networkName'>): string {
  return network === foreignNetworkKey(networkName) ? networkName : network;
}

/** A published port with its host port decided. */
export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostPort: number;
  /** Absent: every address of the host. */
  readonly hostIp?: string;
  readonly containerPort: number;
}

/** A network as it was made. */
export interface NetworkSpec {
  readonly stack: string;
  readonly key: string;
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Bridge interface, at most 15 characters; absent where there is a parent. */
  readonly bridge?: string;
  /** macvlan, ipvlan: interface of the host that the containers' are made of. */
  readonly parent?: NetworkParent;
  /** The bridge's way to other machines; absent: there is none. */
  readonly overlay?: OverlayLink;
  /** `10.1.2.0/24`. */
  readonly subnet4?: string;
  readonly gateway4?: string;
  readonly ipRange4?: string;
  /** Addresses that must not be given away. */
  readonly reserved4: readonly string[];
  readonly subnet6?: string;
  readonly gateway6?: string;
  readonly ipRange6?: string;
  /** Absent: none. */
  readonly reserved6?: readonly string[];
}

export interface VolumeSpec {
  readonly stack: string;
  /** Key in the stack file; empty for an anonymous volume. */
  readonly key: string;
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}
