import { at, complain, nameOf, type Place } from '../canonical/context.ts';
import { parseDuration } from '../duration.ts';
import { nameHint } from '../name-hint.ts';
import { type Dict, isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, checkServices, keysOf, type ServiceAt, type ServiceCheck } from './input.ts';
import { checkLogging } from './logging.ts';
import { hostname } from './words.ts';

/** Replicas of one service. */
const mostReplicas = 1_000;
/** Below this the kernel kills the process before it has begun (Docker's minimum). */
const leastMemory = 6 * 1024 * 1024;
const mostNameLength = 128;

export function replicasOf(service: Dict): number {
  const deploy = service['deploy'];
  const value = service['scale'] ?? (isDict(deploy) ? deploy['replicas'] : undefined) ?? 1;
  return Number(value);
}

const checks: readonly ServiceCheck[] = [
  { keys: ['scale', 'deploy'], check: checkReplicas },
  { keys: ['mem_limit', 'deploy', 'cpu_shares', 'oom_score_adj'], check: checkLimits },
  { keys: ['healthcheck'], check: checkHealth },
  { keys: ['hostname', 'image', 'container_name'], check: checkWords },
  { keys: ['environment'], check: checkEnvironment },
  { keys: ['dns', 'dns_search', 'dns_opt'], check: checkResolver },
  { keys: ['restart'], check: checkRestart },
  { keys: ['deploy'], check: checkAgreement },
  { keys: ['logging'], check: checkLogging },
];

/** Values that have the right type and no meaning. */
export function checkValues(input: CheckInput): void {
  for (const { name, place } of input.services) checkName(name, place);
  checkServices(input, checks);
}

export function checkName(name: string, place: Place): void {
  if (name.length > mostNameLength) {
    const message = `the name ${quoted(name)} is too long: ${name.length} characters, the limit is ${mostNameLength}`;
    complain(place, { code: 'schema.pattern', message, key: true });
  } else if (/^[.-]/.test(name)) {
    complain(place, {
      code: 'schema.pattern',
      message: `${quoted(name)} is not a valid name`,
      hint: nameHint,
      key: true,
    });
  }
}

function checkReplicas({ service, place }: ServiceAt): void {
  const deploy = service['deploy'];
  const scale = service['scale'] !== undefined;
  const written = isDict(deploy) ? deploy['replicas'] : undefined;
  const where = scale ? at(place, 'scale') : at(at(place, 'deploy'), 'replicas');
  if (scale && written !== undefined && written !== service['scale']) {
    complain(where, { code: 'conflict.key', message: 'scale and deploy.replicas differ: write one of them' });
  }
  const replicas = replicasOf(service);
  if (replicas < 0 || !Number.isInteger(replicas)) {
    complain(where, { message: `${nameOf(where)} is ${replicas}: replicas are a whole number, 0 or more` });
  } else if (replicas > mostReplicas) {
    complain(where, {
      code: 'limit',
      message: `${nameOf(where)} is ${replicas}: the limit is ${mostReplicas} replicas`,
    });
  }
}

function checkLimits({ service, place }: ServiceAt): void {
  const deploy = service['deploy'];
  const resources = isDict(deploy) ? deploy['resources'] : undefined;
  const limits = isDict(resources) ? resources['limits'] : undefined;
  const nested = at(at(at(at(place, 'deploy'), 'resources'), 'limits'), 'memory');
  const pairs: [Value | undefined, Place][] = [
    [service['mem_limit'], at(place, 'mem_limit')],
    [isDict(limits) ? limits['memory'] : undefined, nested],
  ];
  for (const [value, where] of pairs) {
    if (value === undefined || Number(value) >= leastMemory) continue;
    complain(where, { message: `${nameOf(where)} is ${String(value)} bytes: the least is 6 MiB (6m)` });
  }
  const shares = Number(service['cpu_shares'] ?? 1024);
  if (shares < 2 || shares > 262_144) {
    complain(at(place, 'cpu_shares'), { message: `cpu_shares is ${shares}: it must be 2 to 262144` });
  }
  const score = Number(service['oom_score_adj'] ?? 0);
  if (Math.abs(score) > 1000) {
    complain(at(place, 'oom_score_adj'), { message: `oom_score_adj is ${score}: it must be -1000 to 1000` });
  }
}

function checkHealth({ service, place }: ServiceAt): void {
  const check = service['healthcheck'];
  if (!isDict(check)) return;
  for (const key of ['interval', 'timeout', 'start_interval']) {
    const value = check[key];
    if (typeof value !== 'string' || (parseDuration(value) ?? 0n) >= 1_000_000n) continue;
    const message = `healthcheck.${key} is ${value}: it must be at least 1ms`;
    complain(at(at(place, 'healthcheck'), key), { message });
  }
}

/** `[registry/]name[:tag][@digest]`, loosely, or a file on disk. */
const reference =
  /^([A-Za-z0-9.-]+(:\d+)?\/)?[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][\w.-]{0,127})?(@[a-z0-9+._-]+:[A-Za-z0-9=_-]+)?$/;

function checkWords({ service, place }: ServiceAt): void {
  const { hostname: host, image, container_name: container } = service;
  if (typeof host === 'string' && !hostname.test(host)) {
    complain(at(place, 'hostname'), { code: 'schema.pattern', message: `hostname ${quoted(host)} is not a host name` });
  }
  if (typeof image === 'string' && !/^(oci|oci-archive|docker-archive):./.test(image) && !reference.test(image)) {
    const hint = 'write NAME:TAG, or a file as oci:DIR, oci-archive:FILE, docker-archive:FILE';
    complain(at(place, 'image'), {
      code: 'schema.pattern',
      message: `image ${quoted(image)} is not a valid reference`,
      hint,
    });
  }
  if (typeof container === 'string' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(container)) {
    const message = `container_name ${quoted(container)} is not a valid name`;
    complain(at(place, 'container_name'), { code: 'schema.pattern', message, hint: nameHint });
  }
}

function checkEnvironment({ service, place }: ServiceAt): void {
  for (const name of keysOf(service['environment'])) {
    if (name !== '' && !/[=\0]/.test(name)) continue;
    const message = `environment: ${quoted(name)} is not the name of a variable`;
    const hint = 'write "NAME: value", or "- NAME=value" in a list';
    complain(at(at(place, 'environment'), name), { code: 'schema.pattern', message, hint, key: true });
  }
}

function checkResolver({ service, place }: ServiceAt): void {
  for (const key of ['dns', 'dns_search', 'dns_opt']) {
    for (const [index, each] of ([service[key] ?? []].flat() as unknown[]).entries()) {
      if (!/[\s\p{Cc}]/u.test(String(each))) continue;
      const message = `${key} entry ${quoted(each)} holds a blank or a line break`;
      complain(at(at(place, key), index), { code: 'schema.pattern', message });
    }
  }
}

function checkRestart({ service, place }: ServiceAt): void {
  const restart = service['restart'];
  if (typeof restart !== 'string' || /^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(restart)) return;
  const message = `restart is ${quoted(restart)}: it must be no, always, unless-stopped, on-failure or on-failure:N`;
  complain(at(place, 'restart'), { message });
}

/** The older key and `deploy.resources` must say the same. */
function checkAgreement({ service, place }: ServiceAt): void {
  const deploy = service['deploy'];
  const resources = isDict(deploy) ? deploy['resources'] : undefined;
  if (!isDict(resources)) return;
  const pairs = [
    ['cpus', 'limits', 'cpus'],
    ['mem_limit', 'limits', 'memory'],
    ['pids_limit', 'limits', 'pids'],
    ['mem_reservation', 'reservations', 'memory'],
  ] as const;
  for (const [key, section, nested] of pairs) {
    const group = resources[section];
    if (service[key] === undefined || !isDict(group) || group[nested] === service[key]) continue;
    const message = `${key} and deploy.resources.${section}.${nested} differ: write one of them`;
    complain(at(place, key), { code: 'conflict.key', message, key: true });
  }
}
