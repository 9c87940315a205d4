import { PARENT_OPTIONS } from '../../model/network-drivers.ts';
import { ENDPOINT_OPTIONS, NETWORK_OPTIONS } from '../../model/network-options.ts';
import { OVERLAY_OPTIONS } from '../../model/network-overlay.ts';
import { LOG_DRIVERS, LOG_OPTIONS } from '../log-options.ts';
import { isDict } from '../node.ts';
import { securityOption } from './security-opt.ts';
import { isNot, notDone, reasons, takeOut, type UnsupportedKey } from './unsupported-key.ts';

/** `driver_opts` of a network and of a connection that the engine acts on. */
const networkOptions: readonly string[] = [NETWORK_OPTIONS, PARENT_OPTIONS, OVERLAY_OPTIONS].flatMap((each) =>
  Object.values(each),
);
const endpointOptions: readonly string[] = Object.values(ENDPOINT_OPTIONS);

/** `driver_opts` of a volume that the engine acts on. */
const localOptions = ['type', 'device', 'o'];

const processKeys: readonly UnsupportedKey[] = [
  { path: 'annotations', reason: 'later' },
  { path: 'credential_spec', reason: 'windows', hint: takeOut, refused: true },
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
  { path: 'use_api_socket', reason: 'later' },
];

const isolation: readonly UnsupportedKey[] = [
  {
    path: 'cgroup_parent',
    reason: 'later',
    says: () => ': cgroups are below tsstack, by stack and service, so that limits and removal hold',
    hint: takeOut,
  },
  { path: 'cpu_count', reason: 'windows', hint: 'write cpus' },
  { path: 'cpu_percent', reason: 'windows', hint: 'write cpus' },
  ...['cpu_rt_period', 'cpu_rt_runtime'].map(
    (path): UnsupportedKey => ({
      path,
      reason: 'later',
      says: () => ': real-time time is not given out: the cgroups above would have to have it all first',
      hint: 'write "ulimits: {rtprio: 99}" or "cap_add: [SYS_NICE]"',
    }),
  ),
  {
    path: 'devices.*',
    reason: 'later',
    when: (value) => isDict(value) && !String(value['source'] ?? '').startsWith('/'),
    says: (value) =>
      `: "${isDict(value) ? String(value['source']) : ''}" is no path, and names of the Container Device Interface (CDI) are not looked up`,
    hint: 'write the path of a device node, such as /dev/fuse',
    refused: true,
  },
  {
    path: 'gpus',
    reason: 'later',
    says: () => ': no driver of GPUs is asked: the container gets none',
    hint: 'write the nodes below devices, such as /dev/dri, and mount the libraries of their driver',
  },
  { path: 'isolation', reason: 'windows', when: isNot('default', ''), hint: takeOut, refused: true },
  {
    path: 'security_opt.*',
    reason: 'later',
    when: (value) => securityOption(String(value)).key === 'other',
    says: (value) => `: "${String(value)}" is not done yet`,
  },
  {
    path: 'storage_opt',
    reason: 'later',
    says: () => ': the size of the writable layer cannot be limited: overlay file systems have no quota of their own',
    hint: 'write "read_only: true" with "tmpfs: /path:size=…", or mount a volume of that size',
    refused: true,
  },
  {
    path: 'userns_mode',
    reason: 'later',
    when: isNot('host', 'private', 'auto'),
    says: (value) => `${notDone(value)}: "host" is used`,
  },
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
    path: 'networks.*.driver_opts.*',
    reason: 'later',
    when: (_value, _parent, key) => !endpointOptions.includes(key),
    hint: `the options ${endpointOptions.join(' and ')} are done`,
  },
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
  { path: 'networks.*.driver_opts.*', reason: 'later', when: (_value, _parent, key) => !networkOptions.includes(key) },
  {
    path: 'networks.*.ipam.driver',
    reason: 'later',
    when: isNot('default', ''),
    says: (value) => `${notDone(value)}: tsstack gives out the addresses itself`,
    hint: 'leave it out',
  },
  {
    path: 'networks.*.ipam.options',
    reason: 'later',
    says: () => ': there is no ipam driver that takes options',
    hint: takeOut,
  },
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

function isAlias(link: string): boolean {
  const [service, alias = service] = link.split(':');
  return alias !== service;
}
