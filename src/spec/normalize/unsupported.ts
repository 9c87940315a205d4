import { at, type Context, complain, nameOf, type Place, rootPlace } from '../canonical/context.ts';
import type { ProblemCode } from '../diagnose.ts';
import { type Dict, isDict, type Value } from '../node.ts';

const later = 'tsstack does not do this yet';
const never = 'this exists on Windows only';

/** Keys of a service that are valid and have no effect, with the reason. A nested object names what lies below. */
interface Unsupported {
  readonly [key: string]: string | Unsupported;
}

const service: Unsupported = {
  annotations: later,
  attach: later,
  cgroup_parent: later,
  configs: later,
  cpu_count: never,
  cpu_percent: never,
  cpu_rt_period: later,
  cpu_rt_runtime: later,
  credential_spec: never,
  deploy: {
    mode: later,
    endpoint_mode: later,
    labels: later,
    update_config: later,
    rollback_config: later,
    placement: later,
    restart_policy: { window: later },
    resources: { reservations: { cpus: later, devices: later, generic_resources: later } },
  },
  device_cgroup_rules: later,
  external_links: later,
  gpus: later,
  isolation: never,
  links: later,
  logging: later,
  mem_swappiness: later,
  models: later,
  oom_kill_disable: later,
  platform: later,
  post_start: later,
  pre_start: later,
  pre_stop: later,
  provider: later,
  pull_policy: later,
  pull_refresh_after: later,
  runtime: later,
  secrets: later,
  storage_opt: later,
  use_api_socket: later,
  volumes_from: later,
};

const networkKeys: Unsupported = { attachable: later, ipam: { driver: later, options: later } };
const attachmentKeys: Unsupported = { driver_opts: later, link_local_ips: later };

/** Names, at its place, every valid key that the engine does not act on: nothing is dropped in silence. */
export function warnUnsupported(written: Dict, enabled: Dict, context: Context): void {
  const root = rootPlace(context);
  const services = written['services'];
  for (const name of Object.keys(enabled)) {
    const value = isDict(services) ? services[name] : undefined;
    if (!isDict(value)) continue;
    const place = at(at(root, 'services'), name);
    walk(value, service, place);
    warnValues(value, enabled[name], place);
    for (const [network, attachment] of entries(value['networks'])) {
      if (isDict(attachment)) walk(attachment, attachmentKeys, at(at(place, 'networks'), network));
    }
  }
  for (const [name, network] of entries(written['networks'])) {
    if (isDict(network)) walk(network, networkKeys, at(at(root, 'networks'), name));
  }
  if (written['version'] !== undefined) warn(at(root, 'version'), 'the key is obsolete: take it out', 'deprecated.key');
}

function entries(value: Value | undefined): [string, Value][] {
  return isDict(value) ? Object.entries(value) : [];
}

function walk(value: Dict, keys: Unsupported, place: Place): void {
  for (const [key, reason] of Object.entries(keys)) {
    const found = value[key];
    if (found === undefined || found === null || found === false) continue;
    const where = at(place, key);
    if (typeof reason === 'string') warn(where, reason);
    else if (isDict(found)) walk(found, reason, where);
  }
}

function warn(place: Place, reason: string, code: ProblemCode = 'unsupported.key'): void {
  complain(place, { severity: 'warning', code, message: `${nameOf(place)}: ${reason}`, key: true });
}

/** Keys that are done for some values only. */
function warnValues(written: Dict, canonical: Value | undefined, place: Place): void {
  const value = isDict(canonical) ? canonical : {};
  if (value['build'] !== undefined && value['image'] === undefined && written['x-rootfs'] === undefined) {
    warn(at(place, 'build'), "building images is not done yet: the service runs on the host's programs");
  }
  for (const key of ['pid', 'ipc', 'uts', 'cgroup']) {
    const mode = value[key];
    if (mode === undefined || mode === 'host' || mode === 'private') continue;
    warn(at(place, key), `the value "${String(mode)}" is not done yet: an own namespace is used`);
  }
  const user = value['userns_mode'];
  if (user !== undefined && !['host', 'private', 'auto'].includes(String(user))) {
    warn(at(place, 'userns_mode'), `the value "${String(user)}" is not done yet: "host" is used`);
  }
  for (const [index, option] of list(value['security_opt']).entries()) {
    if (/^(no-new-privileges|seccomp)([=:]|$)/.test(String(option))) continue;
    warn(at(at(place, 'security_opt'), index), `"${String(option)}" is not done yet`);
  }
  for (const volume of list(value['volumes'])) {
    if (!isDict(volume) || ['bind', 'volume', 'tmpfs'].includes(String(volume['type']))) continue;
    warn(place.context.places.get(volume) ?? place, `volumes of the type "${String(volume['type'])}" are not done yet`);
  }
  const check = value['healthcheck'];
  if (isDict(check) && check['test'] === undefined && check['disable'] !== true) {
    warn(at(place, 'healthcheck'), 'a health check without a test of its own is not done yet');
  }
}

function list(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}
