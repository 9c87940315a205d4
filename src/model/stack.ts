import type { Build } from './build.ts';
import type { ImageSource } from './image-source.ts';
import type { NamespaceModes, Resources, Security, SharedNamespace, Ulimit } from './limits.ts';
import type { FileMount, FileSource, Mount } from './mounts.ts';
import type { LinkShape } from './shape.ts';
import type { UpdatePolicy } from './update.ts';

export type { ImageSource } from './image-source.ts';

/**
 * The desired state: what a stack file means, after loading, interpolation, merging, checking and normalising.
 * Both syntaxes of every attribute have become one, units are in the names, paths are absolute.
 * Absent optional fields mean "not said"; the image's configuration or the default then decides.
 */

export interface Stack {
  /** Project name. */
  readonly name: string;
  /** Directory that relative paths were resolved against. */
  readonly projectDirectory: string;
  /** The files that were read, absolute, in merge order. */
  readonly files: readonly string[];
  /** Enabled services by name, names sorted. */
  readonly services: Readonly<Record<string, Service>>;
  /** Networks that an enabled service uses, or with `--all-resources` all, by key, keys sorted. */
  readonly networks: Readonly<Record<string, Network>>;
  /** Named volumes that an enabled service uses, or with `--all-resources` all, by key, keys sorted. */
  readonly volumes: Readonly<Record<string, Volume>>;
  /** Configs and secrets that an enabled service or its build uses, by key; absent: none. Secrets are here in the clear: never send or keep it. */
  readonly configs?: Readonly<Record<string, FileSource>>;
  readonly secrets?: Readonly<Record<string, FileSource>>;
  /**
   * What is not enabled itself, but the build of an enabled service takes its image (`additional_contexts: service:x`), by
   * name. Absent: none.
   */
  readonly buildSources?: Readonly<Record<string, BuildSource>>;
  /** Services switched off by a profile; their containers are not orphans. */
  readonly disabledServices: readonly string[];
  /** Services that the command neither names nor needs; their containers are not orphans. Absent: none. */
  readonly unnamedServices?: readonly string[];
}

/** Where the image of a service comes from. */
export type BuildSource = Pick<Service, 'name' | 'source' | 'build'>;

/** When an image is fetched from its registry; with a time, when it was last fetched longer ago. */
export type PullPolicy = 'always' | 'missing' | 'never' | 'build' | { readonly refreshAfterMs: number };

export interface Service {
  readonly name: string;
  /** Of a service with a `build` and no `image` the name STACK-SERVICE. */
  readonly source: ImageSource;
  /** How its image is made; absent: it is not built. No part of its containers: they differ when the image does. */
  readonly build?: Build;
  /** Absent: `missing`. */
  readonly pullPolicy?: PullPolicy;
  /** Number of replicas, 0 or more. */
  readonly replicas: number;
  /** Fixed container name; only with one replica. */
  readonly containerName?: string;
  readonly labels: Readonly<Record<string, string>>;

  /** null or absent: the image's. An empty list: explicitly none. */
  readonly entrypoint?: readonly string[] | null;
  readonly command?: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that the container does not have, whatever its image says: a bare `KEY` that the caller has not set. Absent: none. */
  readonly unsetEnvironment?: readonly string[];
  readonly workingDir?: string;
  /** `uid[:gid]` or `name[:group]`, names of the container's own /etc/passwd and /etc/group. */
  readonly user?: string;
  readonly groupAdd: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly init: boolean;
  /** OCI runtime that starts its containers, by name (`crun`) or absolute path; absent: tsstack itself. */
  readonly runtime?: string;
  readonly tty: boolean;
  readonly stdinOpen: boolean;

  /** Output is thrown away; absent: it is kept in a file. */
  readonly logDriver?: 'none';
  /** Most of the output that is kept, of each container; absent: all. */
  readonly logLimitBytes?: number;
  readonly stopSignal?: string;
  readonly stopGracePeriodMs: number;
  readonly restart: RestartPolicy;
  /** What is not said is the image's, else the default. */
  readonly healthcheck?: Partial<Healthcheck>;
  /** Start it again when it has become unhealthy (`x-on-unhealthy: restart`); absent: let it run. */
  readonly restartUnhealthy?: true;
  /** Containers that run to their end before the service's first start, in order; absent: none. */
  readonly preStart?: readonly PreStartHook[];
  /** Programs run in the container when it has started, and before it is asked to end, in order; absent: none. */
  readonly postStart?: readonly Hook[];
  readonly preStop?: readonly Hook[];
  /** Services that must be up first, by name. */
  readonly dependsOn: Readonly<Record<string, Dependency>>;

  readonly networkMode: NetworkMode;
  /** Attached networks by key; empty unless `networkMode.type` is `networks`. */
  readonly networks: Readonly<Record<string, NetworkAttachment>>;
  readonly ports: readonly PortMapping[];
  readonly expose: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `address` may be the word `host-gateway`. */
  readonly extraHosts: readonly { readonly host: string; readonly address: string }[];

  readonly mounts: readonly Mount[];
  /** Configs and secrets; absent: none. */
  readonly files?: readonly FileMount[];
  readonly readOnly: boolean;
  readonly shmSizeBytes: number;

  readonly security: Security;
  readonly ulimits: Readonly<Record<string, Ulimit>>;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly namespaces: NamespaceModes;
  readonly watch: readonly WatchRule[];
  /** Files that values come from: `env.PORT`, `labels.team` → absolute path of an env_file or label_file. Absent: none. */
  readonly origins?: Readonly<Record<string, string>>;
  /** `deploy.update_config`; absent: all replicas are replaced in the order of dependencies alone. */
  readonly update?: UpdatePolicy;
  /** `deploy.rollback_config`, or its defaults; where `update` is there. */
  readonly rollback?: UpdatePolicy;
  /** Made by `run` from another service; absent: written in the stack file. */
  readonly oneOff?: OneOff;
}

/** A container that `run` made of a service, beside its replicas. */
export interface OneOff {
  /** The service that it was made of. */
  readonly service: string;
  /** It goes when it has ended, and its anonymous volumes with it. */
  readonly remove: boolean;
  /** It runs before that replica of the service starts. Absent: made by `run`. */
  readonly preStart?: { readonly index: number; readonly slot?: 'b' };
}

export interface RestartPolicy {
  readonly condition: 'no' | 'always' | 'on-failure' | 'unless-stopped';
  /** Restarts at most, 1 or more; absent: without end. */
  readonly maxAttempts?: number;
  /** A restart counts towards `maxAttempts` only when its run is over before this time; absent: every one does. */
  readonly windowMs?: number;
  /** `deploy.restart_policy.delay`; absent: the doubling back-off. */
  readonly delayMs?: number;
}

/** `x-ready`: what is looked for from outside, without a program of the image. */
export type ReadyTest =
  /** Something listens on this TCP port. */
  | { readonly type: 'tcp'; readonly port: number }
  /** GET is answered with a status of 200 to 399. `path` begins with a slash. */
  | { readonly type: 'http'; readonly port: number; readonly path: string }
  /** Something is there at this absolute path of the container. */
  | { readonly type: 'file'; readonly path: string }
  /** A line of its output matches this regular expression. */
  | { readonly type: 'log'; readonly pattern: string };

export interface Healthcheck {
  /** argv to run in the container; `CMD-SHELL` has become `/bin/sh -c`. Empty: `NONE`, switched off. */
  readonly test: readonly string[];
  /** Instead of `test`: all of these must hold. At least one. */
  readonly ready?: readonly ReadyTest[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
}

/** A program that is run in a running container at a moment of its life. */
export interface Hook {
  readonly argv: readonly string[];
  /** Absent: the container's. */
  readonly user?: string;
  readonly privileged: boolean;
  /** Over the container's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: the container's. */
  readonly workingDir?: string;
}

/** One of `pre_start`: a container with the mounts and the network of a replica, before that starts. */
export interface PreStartHook extends Omit<Hook, 'argv'> {
  /** Absent: the service's. */
  readonly source?: ImageSource;
  /** null: the image's. The entrypoint is the image's always. */
  readonly command: readonly string[] | null;
  /** false: once for all replicas that are started together. */
  readonly perReplica: boolean;
}

export interface Dependency {
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  /** false: a missing or failing dependency is only a warning. */
  readonly required: boolean;
  /** true: restart this service when the dependency is replaced or restarted. */
  readonly restart: boolean;
}

export type NetworkMode =
  | { readonly type: 'networks' }
  | { readonly type: 'host' }
  | { readonly type: 'none' }
  | SharedNamespace;

export interface NetworkAttachment {
  readonly aliases: readonly string[];
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly macAddress?: string;
  /** Higher first; decides which network is eth0. */
  readonly priority: number;
  /** Higher first; decides which network has the default route. */
  readonly gatewayPriority: number;
  readonly interfaceName?: string;
  /** Further addresses of 169.254.0.0/16 and fe80::/10; absent: none. */
  readonly linkLocalIps?: readonly string[];
  /** Absent: none. */
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** `x-shape` of the network, else of the service; absent: none. */
  readonly shape?: LinkShape;
}

export interface PortMapping {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Container port. */
  readonly target: number;
  /** First host port; absent: any free one. */
  readonly published?: number;
  /** Last host port of the range to choose from; equals `published` for a single port. */
  readonly publishedEnd?: number;
  /** Absent: all addresses. */
  readonly hostIp?: string;
  /** What SRV calls it, besides its number. Absent: nothing. */
  readonly name?: string;
  readonly appProtocol?: string;
}

export interface WatchRule {
  /** Absolute host path that is watched. */
  readonly path: string;
  readonly action: 'sync' | 'restart' | 'sync+restart' | 'rebuild' | 'sync+exec';
  /** Path in the container; with the sync actions. */
  readonly target?: string;
  readonly ignore: readonly string[];
  readonly include: readonly string[];
  readonly initialSync: boolean;
}

export interface Network {
  readonly key: string;
  /** Real name: `<stack>_<key>` unless the file says otherwise. */
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  /** Must exist already; never created or removed. */
  readonly external: boolean;
  /** No way out: no default route, no masquerading. */
  readonly internal: boolean;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipam: readonly IpamPool[];
}

export interface IpamPool {
  readonly subnet?: string;
  readonly ipRange?: string;
  readonly gateway?: string;
  readonly auxAddresses: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly key: string;
  /** Real name: `<stack>_<key>` unless the file says otherwise. */
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly external: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every image that containers of a service need: their own, those of `pre_start`, and those that they mount. */
export function imageSources({ source, preStart = [], mounts }: Service): readonly ImageSource[] {
  return [source, ...preStart.flatMap((hook) => hook.source ?? []), ...mountedSources(mounts)];
}

export function mountedSources(mounts: readonly Mount[]): readonly ImageSource[] {
  return mounts.flatMap((mount) => (mount.type === 'image' ? [mount.image] : []));
}
