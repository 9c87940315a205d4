import type { Host } from '../host/host.ts';
import { TsstackError } from '../model/error.ts';
import { type LabelFacts, readLabelFacts } from './label-facts.ts';

/** What a launch must know of the machine. */
export interface KernelFacts {
  readonly arch: 'x86_64' | 'aarch64';
  /** `6.18`. */
  readonly version: readonly [number, number];
  /** /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** Capabilities that we have ourselves: none beyond can be given. Bit mask in hex, from CapBnd and CapPrm. */
  readonly boundingSet: string;
  /** Paths to mask that are there, and what they are. */
  readonly maskedPaths: readonly { readonly path: string; readonly type: 'file' | 'directory' }[];
  /** Hard limits of this process, by ulimit name; Infinity as -1. */
  readonly hardLimits: Readonly<Record<string, number>>;
  /** fs.nr_open; absent: not told. */
  readonly mostOpenFiles?: number;
  readonly cgroupVersion: 1 | 2;
  /** cgroup v2: programs that decide about devices can be loaded. Absent: they cannot, or need not. */
  readonly devicePrograms?: true;
  /** cgroup v1: mount points with their controllers, for the container's /sys/fs/cgroup. */
  readonly cgroupMounts: readonly { readonly path: string; readonly options: string }[];
  readonly labels: LabelFacts;
  /**
   * We are in a user namespace: no device can be made, limits cannot be raised, and /proc and /sys can be mounted only
   * while those of the machine are to be seen (the kernel's `mount_too_revealing()`).
   */
  readonly userNamespace?: true;
  /** The last group of that namespace. */
  readonly lastGid?: number;
}

/** moby daemon/pkg/oci/defaults.go; the pattern for each CPU's thermal_throttle is added to it. */
const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const CPU_DIRECTORY = '/sys/devices/system/cpu';

/** Names in /proc/PID/limits and of ulimits. */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
};

/** Looks at /proc and /sys. Throws `unsupported-host` on an architecture or kernel that the launcher cannot work on. */
export function readKernelFacts(host: Host): KernelFacts {
  const cgroups = cgroupFilesystems(need(host, '/proc/self/mountinfo'));
  return {
    arch: architecture(),
    version: kernelVersion(need(host, '/proc/sys/kernel/osrelease')),
    lastCapability: Number(need(host, '/proc/sys/kernel/cap_last_cap')),
    boundingSet: ownCapabilities(need(host, '/proc/self/status')),
    maskedPaths: readMaskedPaths(host),
    hardLimits: hardLimits(need(host, '/proc/self/limits')),
    ...openFiles(host.readText('/proc/sys/fs/nr_open')),
    cgroupVersion: cgroups.some(({ path, type }) => path === '/sys/fs/cgroup' && type === 'cgroup2') ? 2 : 1,
    cgroupMounts: cgroups.filter(({ type }) => type === 'cgroup').map(({ path, options }) => ({ path, options })),
    labels: readLabelFacts(host),
  };
}

/** The same for an ordinary user in a user namespace; `delegated`: he has cgroups (v2). */
export function userKernelFacts(host: Host, delegated: boolean): KernelFacts {
  const cgroups = { cgroupVersion: delegated ? 2 : 1, cgroupMounts: [] } as const;
  return {
    ...readKernelFacts(host),
    ...cgroups,
    userNamespace: true,
    lastGid: lastId(need(host, '/proc/self/gid_map')),
  };
}

/** user_namespaces(7): `0 1000 1`, first id inside, outside, and how many. From 0 on without a gap. */
function lastId(map: string): number {
  const ranges = map.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return ranges.reduce((end, [first = 0, , count = 0]) => (first === end ? end + count : end), 0) - 1;
}

function need(host: Host, path: string): string {
  const text = host.readText(path);
  if (text === undefined) {
    throw new TsstackError('unsupported-host', `Cannot read ${path}`, { hint: 'Mount proc on /proc.' });
  }
  return text;
}

/** What we may give: in our bounding set, and permitted to ourselves. */
function ownCapabilities(status: string): string {
  const [bounding = 0n, permitted = 0n] = ['CapBnd', 'CapPrm'].map((field) => {
    const [, mask = '0'] = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? [];
    return BigInt(`0x${mask}`);
  });
  return (bounding & permitted).toString(16);
}

function architecture(): 'x86_64' | 'aarch64' {
  if (process.arch === 'x64') return 'x86_64';
  if (process.arch === 'arm64') return 'aarch64';
  throw new TsstackError('unsupported-host', `Containers cannot be started on ${process.arch}`, {
    hint: 'x86_64 and aarch64 are supported.',
  });
}

/** mount_setattr(2), which makes binds read-only, came with Linux 5.12. */
function kernelVersion(release: string): readonly [number, number] {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  const version = [Number(major), Number(minor)] as const;
  if (version[0] < 5 || (version[0] === 5 && version[1] < 12)) {
    throw new TsstackError('unsupported-host', `Linux ${release.trim()} is too old`, {
      hint: 'Linux 5.12 or newer is needed.',
    });
  }
  return version;
}

/** Asked anew for every start: modules and processors come. */
export function readMaskedPaths(host: Pick<Host, 'readDirectory' | 'stat'>): KernelFacts['maskedPaths'] {
  const throttles = host
    .readDirectory(CPU_DIRECTORY)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${CPU_DIRECTORY}/${name}/thermal_throttle`);
  return [...MASKED_PATHS, ...throttles].flatMap((path) => {
    const stat = host.stat(path);
    if (stat === undefined) return [];
    return [{ path, type: stat.type === 'directory' ? 'directory' : 'file' } as const];
  });
}

function hardLimits(limits: string): Readonly<Record<string, number>> {
  const entries = limits.split('\n').flatMap((line) => {
    const name = LIMIT_NAMES[line.slice(0, 26).trim()];
    const [, hard] = line.slice(26).trim().split(/\s+/);
    if (name === undefined || hard === undefined) return [];
    return [[name, hard === 'unlimited' ? -1 : Number(hard)] as const];
  });
  return Object.fromEntries(entries);
}

function openFiles(text: string | undefined): Pick<KernelFacts, 'mostOpenFiles'> {
  return text === undefined ? {} : { mostOpenFiles: Number(text) };
}

/** Options of a cgroup v1 hierarchy that are not controllers nor its name (cgroups(7)). */
const NO_CONTROLLER = /^(rw|ro|xattr|noprefix|clone_children|cpuset_v2_mode|release_agent=.*|(un)?favordynmods)$/;

interface CgroupFilesystem {
  readonly path: string;
  readonly type: string;
  /** Controllers or `name=systemd`, comma separated, as mount(8)'s option. */
  readonly options: string;
}

/** proc_pid_mountinfo(5): mount point is the fifth field; type, source and superblock options follow ` - `. */
function cgroupFilesystems(mountinfo: string): readonly CgroupFilesystem[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const path = left.split(' ')[4] ?? '';
    const [type = '', , superOptions = ''] = right.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const options = superOptions.split(',').filter((option) => !NO_CONTROLLER.test(option));
    return [{ path, type, options: options.join(',') }];
  });
}
