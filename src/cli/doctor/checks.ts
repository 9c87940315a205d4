import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { DEFAULT_PROFILE } from '../../model/apparmor.ts';
import { outsideDirectory } from '../../store/paths.ts';
import type { Context } from '../command.ts';
import { checkDelegation } from '../rootless/delegation.ts';
import { userChecks } from '../rootless/requirements.ts';
import type { DoctorCheck } from './check.ts';
import { firewallChecks } from './firewall.ts';
import { kernelFeatureChecks } from './kernel-config.ts';

/** Tools by the Debian package that has them. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  nftables: ['nft'],
  iproute2: ['ip', 'ss', 'tc'],
  'util-linux': ['unshare', 'nsenter', 'fallocate', 'setpriv', 'flock'],
  mount: ['umount'],
  coreutils: ['cp', 'stty'],
};

/** mount_setattr(2), with which mounts become read-only as a whole. */
const LEAST_KERNEL = [5, 12] as const;
const CONTROLLERS = ['cpu', 'memory', 'pids', 'cpuset'] as const;
const FURTHER_CONTROLLERS = { 1: ['blkio', 'devices', 'freezer'], 2: ['io'] } as const;
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts', 'user', 'time'] as const;
/** Bits of linux/capability.h. */
const CAPABILITIES = { CHOWN: 0, DAC_OVERRIDE: 1, NET_ADMIN: 12, SYS_CHROOT: 18, SYS_ADMIN: 21, MKNOD: 27 } as const;
/** OVERLAYFS_SUPER_MAGIC of linux/magic.h: it cannot be the upper layer of another overlay. */
const OVERLAY_MAGIC = 0x794c7630;

/** Everything that this machine must have, looked at without a daemon and without changing anything. */
export function checkMachine(context: Context): DoctorCheck[] {
  if (process.geteuid?.() !== 0) return checkForUser(context);
  return [
    checkCapabilities(readText('/proc/self/status')),
    checkKernel(release()),
    ...kernelFeatureChecks(),
    ...firewallChecks(),
    checkCgroups(readText('/proc/self/mountinfo'), readText('/sys/fs/cgroup/cgroup.controllers')),
    checkNamespaces((name) => existsSync(`/proc/self/ns/${name}`)),
    checkSeccomp(readText('/proc/self/status')),
    ...checkAppArmor({
      enabled: readText('/sys/module/apparmor/parameters/enabled'),
      securityfs: existsSync('/sys/kernel/security/apparmor'),
      parser: findTool('apparmor_parser', context.env['PATH']),
    }),
    ...checkTools((tool) => findTool(tool, context.env['PATH'])),
    checkNamePort(spawnSync('ss', ['-Hlntup'], { encoding: 'utf8' }).stdout ?? ''),
    checkStateDirectory(context.paths.state),
  ];
}

/** The same for an ordinary user, in whose namespaces containers will be. */
function checkForUser(context: Context): DoctorCheck[] {
  return [
    ...userChecks(context.paths),
    checkDelegation({
      own: readText('/proc/self/cgroup'),
      mountinfo: readText('/proc/self/mountinfo'),
      isWritable,
      read: readText,
      pid: process.pid,
      taken: readText(`${outsideDirectory(context.paths)}/cgroup`),
    }),
    checkKernel(release()),
    ...kernelFeatureChecks(),
    checkNamespaces((name) => existsSync(`/proc/self/ns/${name}`)),
    checkSeccomp(readText('/proc/self/status')),
    ...checkTools((tool) => findTool(tool, context.env['PATH'])),
    checkStateDirectory(context.paths.state),
  ];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** `status`: text of /proc/self/status, proc_pid_status(5). */
export function checkCapabilities(status: string): DoctorCheck {
  const name = 'capabilities';
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const lacking = Object.entries(CAPABILITIES).filter(([, bit]) => ((mask >> BigInt(bit)) & 1n) === 0n);
  if (lacking.length === 0) return { name, status: 'ok', found: 'all that is needed' };
  const names = lacking.map(([capability]) => `CAP_${capability}`).join(', ');
  return { name, status: 'missing', found: `without ${names}`, fix: 'sudo -i' };
}

/** `version`: what uname(2) calls release, `6.1.0-30-amd64`. */
export function checkKernel(version: string): DoctorCheck {
  const name = 'kernel';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const least = LEAST_KERNEL.join('.');
  if (major > LEAST_KERNEL[0] || (major === LEAST_KERNEL[0] && minor >= LEAST_KERNEL[1])) {
    return { name, status: 'ok', found: `${version} (needs ${least})` };
  }
  return { name, status: 'missing', found: `${version}, needs ${least}`, fix: 'apt-get install -y linux-image-amd64' };
}

/** `mountinfo`: /proc/self/mountinfo; `unified`: cgroup.controllers of a unified hierarchy, empty where there is none. */
export function checkCgroups(mountinfo: string, unified: string): DoctorCheck {
  const name = 'cgroups';
  const version = unified.trim() === '' ? 1 : 2;
  const present = version === 2 ? unified.trim().split(/\s+/) : legacyControllers(mountinfo);
  const known: readonly string[] = [...CONTROLLERS, ...FURTHER_CONTROLLERS[version]];
  const has = known.filter((controller) => present.includes(controller));
  const lacks = known.filter((controller) => !present.includes(controller));
  if (has.length === 0) {
    return { name, status: 'missing', found: 'no hierarchy is mounted', fix: 'mount -t cgroup2 none /sys/fs/cgroup' };
  }
  const found = `version ${version}: ${has.join(', ')}`;
  if (lacks.length === 0) return { name, status: 'ok', found };
  return { name, status: 'warning', found: `${found}; without ${lacks.join(', ')}`, fix: cgroupFix(version, lacks) };
}

function legacyControllers(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => / - cgroup \S+ (\S+)$/.exec(line)?.[1])
    .flatMap((options) => options?.split(',') ?? []);
}

function cgroupFix(version: 1 | 2, [first = 'cpu']: readonly string[]): string {
  return version === 2
    ? `echo +${first} > /sys/fs/cgroup/cgroup.subtree_control`
    : `mkdir -p /sys/fs/cgroup/${first} && mount -t cgroup -o ${first} none /sys/fs/cgroup/${first}`;
}

function checkNamespaces(has: (name: string) => boolean): DoctorCheck {
  const name = 'namespaces';
  const lacking = NAMESPACES.filter((each) => !has(each));
  if (lacking.length === 0) return { name, status: 'ok', found: NAMESPACES.join(', ') };
  // User and time namespaces are only used where a stack file asks for them.
  const optional = lacking.every((each) => each === 'user' || each === 'time');
  return { name, status: optional ? 'warning' : 'missing', found: `without ${lacking.join(', ')}` };
}

function checkSeccomp(status: string): DoctorCheck {
  const has = /^Seccomp_filters:/m.test(status);
  return has
    ? { name: 'seccomp filters', status: 'ok', found: 'supported' }
    : { name: 'seccomp filters', status: 'missing', found: 'kernel built without CONFIG_SECCOMP_FILTER' };
}

/** Nothing is said where the kernel has none, or it is off. */
export function checkAppArmor(found: {
  readonly enabled: string;
  readonly securityfs: boolean;
  readonly parser: string | undefined;
}): DoctorCheck[] {
  const name = 'AppArmor';
  if (!found.enabled.startsWith('Y')) return [];
  const without = (why: string, fix: string): DoctorCheck[] => [
    { name, status: 'warning', found: `${why}: containers get no profile`, fix },
  ];
  if (!found.securityfs) {
    return without('securityfs is not mounted', 'mount -t securityfs securityfs /sys/kernel/security');
  }
  if (found.parser === undefined) return without('apparmor_parser is not found', 'apt-get install -y apparmor');
  return [{ name, status: 'ok', found: `containers get the profile ${DEFAULT_PROFILE}` }];
}

function checkTools(find: (tool: string) => string | undefined): DoctorCheck[] {
  return Object.entries(TOOLS).flatMap(([debianPackage, tools]) =>
    tools.map((name): DoctorCheck => {
      const path = find(name);
      if (path !== undefined) return { name, status: 'ok', found: path };
      return { name, status: 'missing', found: 'not found in PATH', fix: `apt-get install -y ${debianPackage}` };
    }),
  );
}

/** Whether names can be answered on the gateways of networks. `listeners`: what `ss -Hlntup` prints. */
export function checkNamePort(listeners: string): DoctorCheck {
  const name = 'port 53';
  const everywhere = /^(?:tcp|udp)(?:\s+\S+){3}\s+(?:0\.0\.0\.0|\*|\[::\]):53\s.*$/m.exec(listeners)?.[0];
  if (everywhere === undefined) return { name, status: 'ok', found: 'free for the gateways of networks' };
  const [, program = 'another program', pid = ''] = /users:\(\("([^"]*)",pid=(\d+)/.exec(everywhere) ?? [];
  const holder = pid === '' ? program : `${program} (pid ${pid})`;
  return {
    name,
    status: 'warning',
    found: `${holder} has it on every address: containers find each other by /etc/hosts only`,
    fix: `let ${program} listen on the addresses that it is for (dnsmasq: bind-interfaces)`,
  };
}

function checkStateDirectory(state: string): DoctorCheck {
  const name = 'state directory';
  let there = state;
  while (!existsSync(there)) there = dirname(there);
  const { type, bavail, bsize } = statfsSync(there);
  const free = `${state}, ${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB free`;
  if (type !== OVERLAY_MAGIC) return { name, status: 'ok', found: free };
  return {
    name,
    status: 'missing',
    found: `${state} is on an overlay, which cannot hold the layers of another one`,
    fix: `mount -t tmpfs tmpfs ${there}`,
  };
}

function findTool(tool: string, path = ''): string | undefined {
  const directories = [...path.split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return directories.map((directory) => `${directory}/${tool}`).find((candidate) => existsSync(candidate));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
