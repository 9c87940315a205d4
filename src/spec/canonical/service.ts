import { type Dict, dict, isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { build } from './build.ts';
import { at, complain, nameOf, type Place } from './context.ts';
import { deploy } from './deploy.ts';
import { device, gpus } from './devices.ts';
import { fileMounts } from './file-mounts.ts';
import { hook, watch } from './hooks.ts';
import { extraHosts } from './hosts.ts';
import { ports } from './ports.ts';
import {
  bytes,
  choice,
  command,
  count,
  cpus,
  duration,
  flag,
  labels,
  list,
  mapOf,
  number,
  object,
  oneOrMore,
  path,
  type Shape,
  text,
  variables,
  word,
} from './shape.ts';
import { ulimits } from './ulimits.ts';
import { volumes } from './volumes.ts';

const throttle = list(object({ path: (value) => value, rate: rate }, capitals));
const weights = list(object({ path: (value) => value, weight: number }, capitals));

/** The reference prints these keys with a capital. */
function capitals(result: Dict): void {
  for (const key of ['path', 'rate', 'weight']) {
    if (result[key] === undefined) continue;
    result[`${key[0]?.toUpperCase()}${key.slice(1)}`] = result[key];
    delete result[key];
  }
}

function rate(value: Value, place: Place): Value | undefined {
  return bytes()(value, place) ?? '0';
}

const healthcheck = object({
  test: (value, place) => healthTest(value, place),
  timeout: duration,
  interval: duration,
  retries: count,
  start_period: duration,
  start_interval: duration,
  disable: flag,
});

function healthTest(value: Value, place: Place): Value | undefined {
  if (typeof value === 'string') return ['CMD-SHELL', value];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  if (!['CMD', 'CMD-SHELL', 'NONE'].includes(String(value[0]))) {
    const message = `${nameOf(place)} begins with ${quoted(value[0])}, but must begin with CMD, CMD-SHELL or NONE`;
    complain(at(place, 0), { code: 'schema.enum', message, hint: `write ["CMD", ${JSON.stringify(value[0])}, …]` });
  }
  return value.map(String);
}

/** A list of names, or a mapping with more about each. */
function named(item: Shape, bare: () => Value): Shape {
  return (value, place) => {
    const result = dict();
    if (Array.isArray(value)) for (const name of value) result[String(name)] = bare();
    else if (isDict(value)) {
      for (const key of Object.keys(value)) result[key] = item(value[key] ?? null, at(place, key)) ?? null;
    }
    return Object.keys(result).length === 0 ? undefined : result;
  };
}

const dependency = object({ condition: text, restart: flag, required: choice }, (result) => {
  result['condition'] ??= 'service_started';
  result['required'] ??= true;
});

const attachment: Shape = (value, place) =>
  value === null
    ? null
    : object({
        aliases: list(word),
        driver_opts: labels,
        gw_priority: number,
        interface_name: text,
        ipv4_address: text,
        ipv6_address: text,
        link_local_ips: list(word),
        mac_address: text,
        priority: number,
      })(value, place);

const envFile: Shape = (value, place) => {
  if (!isDict(value)) return Object.assign(dict(), { path: path(value, place) ?? '' });
  return object({ path, required: (each) => (each === false ? false : undefined), format: text })(value, place);
};

const options: Shape = mapOf((value) => (Array.isArray(value) ? value.map(String) : [String(value)]));

const shapes: Readonly<Record<string, Shape>> = {
  annotations: labels,
  attach: choice,
  blkio_config: object({
    weight: number,
    weight_device: weights,
    device_read_bps: throttle,
    device_read_iops: throttle,
    device_write_bps: throttle,
    device_write_iops: throttle,
  }),
  build,
  cap_add: list(word),
  cap_drop: list(word),
  cgroup: text,
  cgroup_parent: text,
  command,
  configs: fileMounts(),
  container_name: text,
  cpu_count: number,
  cpu_percent: number,
  cpu_period: number,
  cpu_quota: number,
  cpu_rt_period: number,
  cpu_rt_runtime: number,
  cpu_shares: number,
  cpus,
  cpuset: text,
  credential_spec: object({ config: text, file: text, registry: text }),
  depends_on: named(dependency, () => Object.assign(dict(), { condition: 'service_started', required: true })),
  deploy,
  develop: (value, place) => (value === null ? undefined : object({ watch: list(watch) })(value, place)),
  device_cgroup_rules: list(word),
  devices: list(device),
  dns: oneOrMore(text),
  dns_opt: list(word),
  dns_search: oneOrMore(word),
  domainname: text,
  entrypoint: command,
  env_file: oneOrMore(envFile),
  environment: variables,
  expose: list(word),
  extends: (value, place) =>
    object({ file: path, service: text })(isDict(value) ? value : Object.assign(dict(), { service: value }), place),
  external_links: list(word),
  extra_hosts: extraHosts,
  gpus,
  group_add: list(word),
  healthcheck,
  hostname: text,
  image: text,
  init: choice,
  ipc: text,
  isolation: text,
  label_file: oneOrMore(path),
  labels,
  links: list(word),
  logging: object({ driver: text, options: labels }),
  mac_address: text,
  mem_limit: bytes(),
  mem_reservation: bytes(),
  mem_swappiness: bytes(),
  memswap_limit: bytes(-1),
  models: named(object({ endpoint_var: text, model_var: text }), () => null),
  network_mode: text,
  networks: named(attachment, () => null),
  oom_kill_disable: flag,
  oom_score_adj: number,
  pid: text,
  pids_limit: number,
  platform: text,
  ports,
  post_start: list(hook),
  pre_start: list(hook),
  pre_stop: list(hook),
  privileged: flag,
  profiles: list(word),
  provider: object({ type: text, options }),
  pull_policy: (value) => (value === 'if_not_present' ? 'missing' : value),
  pull_refresh_after: text,
  read_only: flag,
  restart: text,
  runtime: text,
  scale: count,
  secrets: fileMounts('/run/secrets'),
  security_opt: list(word),
  shm_size: bytes(),
  stdin_open: flag,
  stop_grace_period: duration,
  stop_signal: text,
  storage_opt: labels,
  sysctls: labels,
  tmpfs: oneOrMore(word),
  tty: flag,
  ulimits,
  use_api_socket: flag,
  user: text,
  userns_mode: text,
  uts: text,
  volumes,
  volumes_from: list(word),
  working_dir: text,
};

/** One service in canonical form. `command` and `entrypoint` are always there, null where the image decides. */
export const service: Shape = object(shapes, (result) => {
  result['command'] ??= null;
  result['entrypoint'] ??= null;
});
