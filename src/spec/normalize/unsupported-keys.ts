import { LOG_DRIVERS, LOG_OPTIONS } from '../log-options.ts';
import { type Dict, isDict, type Value } from '../node.ts';

/** Why a valid key has no effect; all but `later` will never have one. */
const reasons = {
  later: ': tsstack does not do this yet',
  windows: ' is for Windows containers and has no meaning on Linux',
  swarm: ' is for a cluster of machines (Swarm) and has no meaning on one machine',
  desktop: ' is for file sharing with a virtual machine on macOS and has no meaning on Linux',
  runtime: ': tsstack starts containers itself, there is no other runtime to choose',
} as const;

export type Reason = keyof typeof reasons;

export interface UnsupportedKey {
  /** Keys from the top of the file on; `*` is any name and any item of a list. */
  readonly path: string;
  readonly reason: Reason;
  /** The values that are concerned; absent: all that say something. `parent` holds the key. */
  readonly when?: (value: Value, parent: Dict, key: string) => boolean;
  /** Instead of the reason's words. */
  readonly says?: (value: Value, parent: Dict) => string;
  /** What to write or do. */
  readonly hint?: string;
}

const ownNamespace = (value: Value) => `: the value "${String(value)}" is not done yet: an own namespace is used`;
const notDone = (value: Value) => `: the value "${String(value)}" is not done yet`;
const isNot =
  (...done: readonly string[]) =>
  (value: Value) =>
    value !== null && !done.includes(String(value));

const isIpv6 = (subnet: Value | undefined) => String(subnet).includes(':');
const onlyIpv4 = () => ': this is not done yet for IPv6';

const takeOut = 'take it out';

/** `driver_opts` of a network that the engine acts on. */
const bridgeOptions = ['com.docker.network.driver.mtu', 'com.docker.network.bridge.enable_ip_masquerade'];

/** `driver_opts` of a volume that the engine acts on. */
const localOptions = ['type', 'device', 'o'];

const processKeys: readonly UnsupportedKey[] = [
  { path: 'annotations', reason: 'later' },
  { path: 'credential_spec', reason: 'windows', hint: takeOut },
  {
    path: 'develop.watch.*.action',
    reason: 'later',
    when: isNot('sync', 'restart', 'sync+restart', 'rebuild'),
    says: (value) => `${notDone(value)}: the rule does nothing`,
    hint: 'the actions sync, restart, sync+restart and rebuild are done',
  },
  { path: 'develop.watch.*.initial_sync', reason: 'later' },
  {
    path: 'logging.driver',
    reason: 'later',
    when: isNot(...LOG_DRIVERS),
    says: (value) => `${notDone(value)}: all output is kept in a file`,
    hint: `the drivers ${LOG_DRIVERS.join(', ')} are done`,
  },
  {
    path: 'logging.options.*',
    reason: 'later',
    when: (_value, _parent, key) => !LOG_OPTIONS.some((done) => done === key),
    hint: `the options ${LOG_OPTIONS.join(' and ')} are done`,
  },
  { path: 'models', reason: 'later' },
  { path: 'provider', reason: 'later' },
  { path: 'runtime', reason: 'runtime', hint: takeOut },
  { path: 'use_api_socket', reason: 'later' },
];

const isolation: readonly UnsupportedKey[] = [
  { path: 'cgroup_parent', reason: 'later' },
  { path: 'cpu_count', reason: 'windows', hint: 'write cpus' },
  { path: 'cpu_percent', reason: 'windows', hint: 'write cpus' },
  { path: 'cpu_rt_period', reason: 'later' },
  { path: 'cpu_rt_runtime', reason: 'later' },
  { path: 'device_cgroup_rules', reason: 'later' },
  {
    path: 'devices.*',
    reason: 'later',
    when: (value) => isDict(value) && !String(value['source'] ?? '').startsWith('/'),
    says: () => ': names of the Container Device Interface are not done yet',
    hint: 'write the path of a device node, such as /dev/fuse',
  },
  { path: 'gpus', reason: 'later' },
  { path: 'ipc', reason: 'later', when: isNot('host', 'private', 'shareable'), says: ownNamespace },
  { path: 'isolation', reason: 'windows', hint: takeOut },
  { path: 'mem_swappiness', reason: 'later' },
  { path: 'oom_kill_disable', reason: 'later' },
  { path: 'pid', reason: 'later', when: isNot('host', 'private'), says: ownNamespace },
  {
    path: 'security_opt.*',
    reason: 'later',
    when: (value) => !/^(no-new-privileges|seccomp)([=:]|$)/.test(String(value)),
    says: (value) => `: "${String(value)}" is not done yet`,
  },
  { path: 'storage_opt', reason: 'later' },
  {
    path: 'userns_mode',
    reason: 'later',
    when: isNot('host', 'private', 'auto'),
    says: (value) => `${notDone(value)}: "host" is used`,
  },
  { path: 'uts', reason: 'later', when: isNot('host', 'private'), says: ownNamespace },
];

/** Images of these are read from where they lie. */
const ON_DISK = /^(oci|oci-archive|docker-archive):/;

const build: readonly UnsupportedKey[] = [
  {
    path: 'build',
    reason: 'later',
    when: (_, service) => service['x-rootfs'] !== undefined || ON_DISK.test(String(service['image'])),
    says: (_, service) =>
      `: the service does not run what is built: ${service['x-rootfs'] === undefined ? 'the image on disk' : 'x-rootfs'} is used`,
    hint: 'leave the other one out',
  },
  {
    path: 'build.cache_from.*',
    reason: 'later',
    when: (value) => /(^|,)type=(?!registry(,|$))/.test(String(value)),
    says: (value) => `: "${String(value)}" is not done yet`,
    hint: 'write the name of an image, or type=registry,ref=NAME',
  },
  { path: 'build.cache_to', reason: 'later', hint: 'push the image, and name it below cache_from' },
  {
    path: 'build.entitlements.*',
    reason: 'later',
    when: isNot('network.host', 'security.insecure'),
    says: (value) => `: "${String(value)}" is not done yet`,
  },
  { path: 'build.isolation', reason: 'windows', hint: takeOut },
  {
    path: 'build.network',
    reason: 'later',
    when: isNot('default', 'host', 'none'),
    says: (value) => `${notDone(value)}: "default" is used`,
  },
  { path: 'build.no_cache_filter', reason: 'later', hint: 'write no_cache: true' },
  { path: 'build.provenance', reason: 'later', when: isNot('false') },
  { path: 'build.sbom', reason: 'later', when: isNot('false') },
  ...['uid', 'gid', 'mode'].map(
    (key): UnsupportedKey => ({
      path: `build.secrets.*.${key}`,
      reason: 'later',
      hint: `write it in the Dockerfile: RUN --mount=type=secret,${key}=…`,
    }),
  ),
  { path: 'build.secrets.*.x-on-change', reason: 'later', hint: takeOut },
];

const deploy: readonly UnsupportedKey[] = [
  { path: 'endpoint_mode', reason: 'swarm', hint: takeOut },
  { path: 'labels', reason: 'swarm', hint: 'write labels of the service: containers have those' },
  {
    path: 'mode',
    reason: 'later',
    when: isNot('replicated'),
    says: (value) => `${notDone(value)}: "replicated" is used`,
  },
  { path: 'placement', reason: 'swarm', hint: takeOut },
  { path: 'resources.reservations.cpus', reason: 'later', hint: 'write cpu_shares' },
  { path: 'resources.reservations.devices', reason: 'later' },
  { path: 'resources.reservations.generic_resources', reason: 'swarm', hint: takeOut },
  {
    path: 'rollback_config',
    reason: 'later',
    when: (_, { update_config: update }) => update === undefined,
    says: () => ': it says how to go back from a rolling update, and there is no update_config',
    hint: 'write update_config with "failure_action: rollback"',
  },
  {
    path: 'rollback_config.failure_action',
    reason: 'later',
    when: isNot('pause', 'continue'),
    says: (value) => `: there is no action "${String(value)}": "pause" is used`,
  },
  {
    path: 'update_config.failure_action',
    reason: 'later',
    when: isNot('pause', 'continue', 'rollback'),
    says: (value) => `: there is no action "${String(value)}": "pause" is used`,
  },
];

const connection: readonly UnsupportedKey[] = [
  { path: 'external_links', reason: 'later', hint: 'join the network of that stack as an external one' },
  {
    path: 'links',
    reason: 'later',
    when: (value) => Array.isArray(value) && value.some((link) => isAlias(String(link))),
    says: () => ': other names for a service are not done yet',
    hint: 'write aliases below a network of that service',
  },
  {
    path: 'network_mode',
    reason: 'later',
    when: (value) => String(value).startsWith('container:'),
    says: notDone,
    hint: 'write service:NAME',
  },
  { path: 'networks.*.driver_opts', reason: 'later' },
  { path: 'networks.*.link_local_ips', reason: 'later' },
];

const mounts: readonly UnsupportedKey[] = [
  {
    path: 'volumes.*.bind.recursive',
    reason: 'later',
    when: isNot('enabled', 'readonly'),
    says: (value) => `${notDone(value)}: mounts below the source come along, and are read-only where it is`,
  },
  { path: 'volumes.*.bind.selinux', reason: 'later', says: () => ': labels of SELinux are not done yet' },
  { path: 'volumes.*.consistency', reason: 'desktop', hint: takeOut },
  {
    path: 'volumes.*.type',
    reason: 'windows',
    when: (value) => value === 'npipe',
    says: () => `: "npipe"${reasons.windows}`,
  },
  {
    path: 'volumes.*.type',
    reason: 'swarm',
    when: (value) => value === 'cluster',
    says: () => `: "cluster"${reasons.swarm}`,
  },
  { path: 'volumes.*.volume.labels', reason: 'later', hint: 'declare the volume, with its labels, at the top level' },
  { path: 'volumes_from', reason: 'later', hint: 'mount the same named volumes in both services' },
];

const resources: readonly UnsupportedKey[] = [
  ...['configs', 'secrets'].flatMap((section): UnsupportedKey[] => [
    { path: `${section}.*.labels`, reason: 'swarm', hint: takeOut },
    {
      path: `${section}.*.template_driver`,
      reason: 'swarm',
      hint: 'fill the file in with variables: "content: ${NAME}"',
    },
  ]),
  { path: 'secrets.*.driver', reason: 'swarm', hint: takeOut },
  { path: 'secrets.*.driver_opts', reason: 'swarm', hint: takeOut },
  { path: 'networks.*.attachable', reason: 'swarm', hint: takeOut },
  { path: 'networks.*.driver_opts.*', reason: 'later', when: (_value, _parent, key) => !bridgeOptions.includes(key) },
  {
    path: 'networks.*.ipam.config.*.aux_addresses',
    reason: 'later',
    when: (_, { subnet }) => isIpv6(subnet),
    says: onlyIpv4,
  },
  { path: 'networks.*.ipam.config.*.ip_range', reason: 'later', when: isIpv6, says: onlyIpv4 },
  { path: 'networks.*.ipam.driver', reason: 'later', when: isNot('default'), says: notDone },
  { path: 'networks.*.ipam.options', reason: 'later' },
  { path: 'volumes.*.driver', reason: 'later', when: isNot('local'), says: notDone, hint: 'leave driver out' },
  {
    path: 'volumes.*.driver_opts.*',
    reason: 'later',
    when: (_value, _parent, key) => !localOptions.includes(key),
    says: () => ': the volume cannot be made: this option is not done yet',
    hint: 'the options of the local driver are type, device and o',
  },
];

/**
 * Every valid key that the engine does not act on, or only for some of its values. docs/compose.md says of each key what
 * it does, and a test compares the two.
 */
export const unsupportedKeys: readonly UnsupportedKey[] = [
  ...below('services.*', [...build, ...processKeys, ...isolation, ...connection, ...mounts]),
  ...below('services.*.deploy', deploy),
  ...resources,
];

function below(prefix: string, keys: readonly UnsupportedKey[]): UnsupportedKey[] {
  return keys.map((each) => ({ ...each, path: `${prefix}.${each.path}` }));
}

/** What is said behind the name of the key. */
export function wordsOf({ says, reason }: UnsupportedKey, value: Value, parent: Dict): string {
  return says?.(value, parent) ?? reasons[reason];
}

function isAlias(link: string): boolean {
  const [service, alias = service] = link.split(':');
  return alias !== service;
}
