import type { Blkio, DeviceRate, NamespaceModes, Resources, Security, Ulimit } from '../../model/limits.ts';
import { type Dict, isDict } from '../node.ts';
import { type PathBase, resolvePath } from '../paths.ts';
import { defined, dictAt, dictsAt, numberAt, textAt, textsAt } from './read.ts';

/** `deploy.resources` wins over the older keys; the two were checked to agree. */
export function resources(service: Dict): Resources {
  const deploy = dictAt(dictAt(service, 'deploy'), 'resources');
  const limits = dictAt(deploy, 'limits') ?? {};
  const reservations = dictAt(deploy, 'reservations') ?? {};
  return defined({
    cpus: numberAt(limits, 'cpus') ?? numberAt(service, 'cpus'),
    cpuQuotaUs: numberAt(service, 'cpu_quota'),
    cpuPeriodUs: numberAt(service, 'cpu_period'),
    cpuShares: numberAt(service, 'cpu_shares'),
    cpuset: textAt(service, 'cpuset'),
    memoryBytes: numberAt(limits, 'memory') ?? numberAt(service, 'mem_limit'),
    memoryReservationBytes: numberAt(reservations, 'memory') ?? numberAt(service, 'mem_reservation'),
    memorySwapBytes: numberAt(service, 'memswap_limit'),
    pids: numberAt(limits, 'pids') ?? numberAt(service, 'pids_limit'),
    blkio: blkio(dictAt(service, 'blkio_config')),
    oomScoreAdj: numberAt(service, 'oom_score_adj'),
  });
}

function blkio(from: Dict | undefined): Blkio | undefined {
  if (from === undefined) return undefined;
  const rates = (key: string): DeviceRate[] =>
    dictsAt(from, key).map((each) => ({ path: textAt(each, 'Path') ?? '', rate: numberAt(each, 'Rate') ?? 0 }));
  return defined({
    weight: numberAt(from, 'weight'),
    weightDevice: dictsAt(from, 'weight_device').map((each) => ({
      path: textAt(each, 'Path') ?? '',
      weight: numberAt(each, 'Weight') ?? 0,
    })),
    deviceReadBps: rates('device_read_bps'),
    deviceWriteBps: rates('device_write_bps'),
    deviceReadIops: rates('device_read_iops'),
    deviceWriteIops: rates('device_write_iops'),
  });
}

export function ulimits(service: Dict): Record<string, Ulimit> {
  const result: Record<string, Ulimit> = Object.create(null);
  for (const [name, value] of Object.entries(dictAt(service, 'ulimits') ?? {})) {
    result[name] = isDict(value)
      ? { soft: numberAt(value, 'soft') ?? 0, hard: numberAt(value, 'hard') ?? 0 }
      : { soft: Number(value), hard: Number(value) };
  }
  return result;
}

/** Names without `CAP_`, in upper case; `ALL` stays. */
export function capabilities(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.toUpperCase().replace(/^CAP_/, '')))];
}

export function security(service: Dict, base: PathBase): Security {
  const options = textsAt(service, 'security_opt').map((option) => /^([^=:]+)(?:[=:](.*))?$/s.exec(option));
  const optionOf = (key: string) => options.findLast((match) => match?.[1] === key);
  const noNew = optionOf('no-new-privileges');
  const seccomp = optionOf('seccomp')?.[2] ?? 'default';
  return {
    privileged: service['privileged'] === true,
    capAdd: capabilities(textsAt(service, 'cap_add')),
    capDrop: capabilities(textsAt(service, 'cap_drop')),
    noNewPrivileges: noNew !== undefined && noNew?.[2] !== 'false',
    seccomp: seccomp === 'default' || seccomp === 'builtin' ? 'default' : seccompProfile(seccomp, base),
    devices: dictsAt(service, 'devices').map((device) => ({
      source: textAt(device, 'source') ?? '',
      target: textAt(device, 'target') ?? textAt(device, 'source') ?? '',
      permissions: textAt(device, 'permissions') ?? 'rwm',
    })),
  };
}

function seccompProfile(value: string, base: PathBase): string {
  return value === 'unconfined' ? value : resolvePath(value, base);
}

export function namespaces(service: Dict, timeNamespace: boolean): NamespaceModes {
  const mode = (key: string) => (service[key] === 'host' ? 'host' : 'private');
  const user = textAt(service, 'userns_mode') ?? 'host';
  return {
    pid: mode('pid'),
    ipc: mode('ipc'),
    uts: mode('uts'),
    cgroup: mode('cgroup'),
    user: user === 'private' || user === 'auto' ? 'private' : 'host',
    time: timeNamespace ? 'private' : 'host',
  };
}
