import type {
  Blkio,
  DeviceRate,
  NamespaceModes,
  Resources,
  Security,
  SeLinuxLabel,
  Ulimit,
} from '../../model/limits.ts';
import { type Dict, isDict } from '../node.ts';
import { type PathBase, resolvePath } from '../paths.ts';
import { defined, dictAt, dictsAt, numberAt, textAt, textsAt } from './read.ts';
import { type SecurityOption, securityOption } from './security-opt.ts';
import { sharedNamespace } from './sharing.ts';

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
    oomKillDisable: service['oom_kill_disable'] === true ? (true as const) : undefined,
    memorySwappiness: numberAt(service, 'mem_swappiness'),
    deviceRules: deviceRules(service),
  });
}

/** A set, not a list: another order is no change. */
function deviceRules(service: Dict): readonly string[] | undefined {
  const rules = [...new Set(textsAt(service, 'device_cgroup_rules'))].sort();
  return rules.length === 0 ? undefined : rules;
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
  const options = textsAt(service, 'security_opt').map(securityOption);
  const noNewPrivileges = options.findLast((option) => option.key === 'no-new-privileges');
  const seccomp = options.findLast((option) => option.key === 'seccomp')?.value ?? 'default';
  return {
    privileged: service['privileged'] === true,
    capAdd: capabilities(textsAt(service, 'cap_add')),
    capDrop: capabilities(textsAt(service, 'cap_drop')),
    noNewPrivileges: noNewPrivileges?.value === true,
    seccomp: seccomp === 'default' || seccomp === 'builtin' ? 'default' : seccompProfile(seccomp, base),
    ...defined({
      appArmor: options.findLast((option) => option.key === 'apparmor')?.value,
      seLinux: seLinuxLabel(options),
      systemPaths: options.some(({ key }) => key === 'systempaths') ? ('unconfined' as const) : undefined,
    }),
    devices: dictsAt(service, 'devices').map((device) => ({
      source: textAt(device, 'source') ?? '',
      target: textAt(device, 'target') ?? textAt(device, 'source') ?? '',
      permissions: textAt(device, 'permissions') ?? 'rwm',
    })),
  };
}

/** `disable` takes back what stands before it. */
function seLinuxLabel(options: readonly SecurityOption[]): SeLinuxLabel | undefined {
  let label: SeLinuxLabel | undefined;
  for (const option of options) {
    if (option.key !== 'label') continue;
    label = option.part === 'disable' ? undefined : { ...label, [option.part]: option.value };
  }
  return label;
}

function seccompProfile(value: string, base: PathBase): string {
  return value === 'unconfined' ? value : resolvePath(value, base);
}

export function namespaces(service: Dict, timeNamespace: boolean): NamespaceModes {
  const mode = (key: string) => (service[key] === 'host' ? 'host' : 'private');
  const shared = (key: string) => sharedNamespace(textAt(service, key) ?? '');
  const ipc = textAt(service, 'ipc');
  const user = textAt(service, 'userns_mode') ?? 'host';
  return {
    pid: shared('pid') ?? mode('pid'),
    ipc: shared('ipc') ?? (ipc === 'none' || ipc === 'shareable' ? ipc : mode('ipc')),
    uts: mode('uts'),
    cgroup: mode('cgroup'),
    user: user === 'private' || user === 'auto' ? 'private' : 'host',
    time: timeNamespace ? 'private' : 'host',
  };
}
