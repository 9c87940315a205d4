import { containerCapabilities, guardsDevices } from './capabilities.ts';
import type { LaunchConfig } from './config.ts';
import { containerEnvironment } from './environment.ts';
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUTS,
  EEXIST,
  ENOENT,
  EPERM,
  F_SETFD,
  FD_CLOEXEC,
  LAST_DESCRIPTOR,
  MOUNT_ATTR_RDONLY,
  MS_REC,
  MS_SLAVE,
  O_RDONLY,
  O_RDWR,
  S_IFIFO,
} from './launcher/constants.ts';
import { type Call, Program } from './launcher/program.ts';
import { containerFilter } from './seccomp/filter.ts';
import { mountDev, reopenStdin } from './steps/dev.ts';
import {
  type KernelFilesystems,
  makePathsReadOnly,
  maskPaths,
  mountCgroups,
  mountProcAndSys,
  writeSysctls,
} from './steps/kernel-filesystems.ts';
import { makeDirectories, openBind, stopPropagation } from './steps/mount.ts';
import { becomeProcess, executeProgram, resetSignals, setOomScore, stayAsInit } from './steps/process.ts';
import { attachOverlays, changeRoot, makeRootReadOnly, mountOverlays, type TakenOverlay } from './steps/root.ts';
import { takeTerminal } from './steps/terminal.ts';
import { actAsContainerRoot, makeUserNamespace, type UserNamespace } from './steps/user-namespace.ts';
import {
  attachDevice,
  attachEtcFile,
  attachMount,
  isBelowKernelMounts,
  isShared,
  type MountPolicy,
  sortMounts,
  type TakenFile,
  type TakenMount,
  takeDevice,
  takeEtcFiles,
  takeMount,
} from './steps/volumes.ts';
import { hasErrorLog, hasRelay } from './streams.ts';
import { RELAY_DEVPTS, RELAY_STREAM } from './streams-program.ts';
import { containerSysctls } from './sysctl.ts';
import { hostIdBase } from './user-namespace.ts';

/** Where the launcher of a container with a terminal has it, and the devpts instance that it is on. */
const TERMINAL = 4;
const DEVPTS = 5;

/** Everything that comes from the host's paths, held by descriptors when the root changes. */
interface Taken {
  /** Parents before children. */
  readonly mounts: readonly TakenMount[];
  readonly etcFiles: readonly TakenFile[];
  readonly devices: readonly { readonly target: string; readonly tree: number }[];
  readonly hostDev: number | undefined;
  readonly hostShm: number | undefined;
  readonly hostCgroups: number | undefined;
}

/**
 * The launcher of one start. It begins as the first process of the container's pid namespace and cgroups, with the
 * host's root, standard output on the log and the status pipe as descriptor 3; it ends by executing the program.
 */
export function launchProgram(config: LaunchConfig): readonly Call[] {
  const { tty } = config.spec;
  const program = new Program([0, 1, 2, 3, ...(tty ? [TERMINAL, DEVPTS] : [])]);
  takeStreams(program, config);
  leaveLauncherFile(program, config);
  resetSignals(program);
  setOomScore(program, config.spec.resources.oomScoreAdj ?? 0);
  if (config.spec.stdinOpen && !hasRelay(config.spec)) openStdin(program, config);
  const idBase = hostIdBase(config.spec, config.kernel, config.identity);
  if (tty) takeTerminal(program, TERMINAL, (idBase ?? 0) + config.identity.uid);
  else if (idBase !== undefined) giveOutput(program, config, idBase);
  enterNamespaces(program, config);
  const userNamespace = idBase === undefined ? undefined : makeUserNamespace(program, idBase);
  const policy = mountPolicy(config, userNamespace);
  const taken = takeSources(program, config, policy);
  if (userNamespace !== undefined) actAsContainerRoot(program, userNamespace, config.kernel);
  const overlays = mountOverlays(program, config.rootfs, { ...policy, paths: config.paths });
  changeRoot(program, config.paths);
  fillRoot(program, config, { ...taken, overlays, idBase: idBase ?? 0 });
  nameHost(program, config);
  finish(program, config, userNamespace?.file);
  return program.calls;
}

/** What the program of `streams-program.ts` has opened, as 6 and 7. */
function takeStreams(program: Program, { spec }: LaunchConfig): void {
  if (spec.tty) {
    program.call('dup3', [RELAY_STREAM, TERMINAL, 0], `make the terminal ${TERMINAL}`);
    program.call('dup3', [RELAY_DEVPTS, DEVPTS, 0], `make the file system that it is on ${DEVPTS}`);
    program.call('close_range', [DEVPTS + 1, LAST_DESCRIPTOR, 0], 'close everything beyond');
    return;
  }
  if (hasRelay(spec)) program.call('dup3', [RELAY_STREAM, 0, 0], 'make the pipe standard input');
  program.call('close_range', [4, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
}

function leaveLauncherFile(program: Program, { spec, paths }: LaunchConfig): void {
  program.call('fcntl', [3, F_SETFD, FD_CLOEXEC], 'close the status pipe on execution');
  if (!hasErrorLog(spec)) program.call('dup3', [1, 2, 0], 'make standard error what standard output is');
  // A program inside that gets hold of this one's file through /proc overwrites nothing (CVE-2019-5736).
  program.call('unlinkat', [AT_FDCWD, paths.launcher, 0], `remove ${paths.launcher}, which runs`, {
    tolerate: [ENOENT],
  });
  program.call('setsid', [], 'begin a session', { tolerate: [EPERM] });
}

/** A pipe with a name that is open for writing too, so that reading it never ends. */
function openStdin(program: Program, { paths }: LaunchConfig): void {
  const path = `${paths.directory}/stdin`;
  program.call('mknodat', [AT_FDCWD, path, S_IFIFO | 0o600, 0], `make pipe ${path}`, { tolerate: [EEXIST] });
  const pipe = program.open('openat', [AT_FDCWD, path, O_RDWR, 0], `open ${path}`);
  program.call('dup3', [pipe, 0, 0], 'make it standard input');
  program.close(pipe);
}

/** /dev/stdout is opened anew by its path, which asks who owns the log. */
function giveOutput(program: Program, { spec, identity }: LaunchConfig, idBase: number): void {
  const given = [...(spec.stdinOpen ? [0] : []), 1, ...(hasErrorLog(spec) ? [2] : [])];
  for (const descriptor of given) {
    const words = `give ${descriptor === 0 ? 'standard input' : descriptor === 1 ? 'the log' : 'standard error'} to user ${identity.uid} of the container`;
    program.call('fchown', [descriptor, idBase + identity.uid, idBase + identity.gid], words);
  }
}

function enterNamespaces(program: Program, { spec, network }: LaunchConfig): void {
  if (network.type === 'path') {
    const file = program.open('openat', [AT_FDCWD, network.path, O_RDONLY, 0], `open ${network.path}`);
    program.call('setns', [file, CLONE_NEWNET], 'enter the network namespace');
    program.close(file);
  }
  const { uts, ipc, cgroup } = spec.namespaces;
  const own: readonly (readonly [name: string, flag: number])[] = [
    ['mount', CLONE_NEWNS],
    ...(uts === 'private' ? [['uts', CLONE_NEWUTS] as const] : []),
    ...(ipc === 'private' ? [['ipc', CLONE_NEWIPC] as const] : []),
    ...(cgroup === 'private' ? [['cgroup', CLONE_NEWCGROUP] as const] : []),
  ];
  const flags = own.reduce((sum, [, flag]) => sum + flag, 0);
  program.call('unshare', [flags], `make namespaces: ${own.map(([name]) => name).join(', ')}`);
}

function mountPolicy({ spec, kernel }: LaunchConfig, userNamespace: UserNamespace | undefined): MountPolicy {
  return { nodev: !spec.security.privileged && !guardsDevices(kernel), idmap: userNamespace?.file };
}

function takeSources(program: Program, config: LaunchConfig, policy: MountPolicy): Taken {
  const { spec } = config;
  const { privileged, devices } = spec.security;
  const sorted = sortMounts(config.mounts);
  const covered = new Set(sorted.map(({ target }) => target));
  // Shared mounts while they are still shared; a slave is what everything else becomes.
  const shared = sorted.filter(isShared).map((each) => takeMount(program, each, policy));
  stopPropagation(program, MS_REC | MS_SLAVE);
  const others = sorted.filter((each) => !isShared(each)).map((each) => takeMount(program, each, policy));
  const byTarget = new Map([...shared, ...others].map((each) => [each.target, each]));
  const etcFiles = takeEtcFiles(program, config, { covered, idmap: policy.idmap });
  const take = (source: string, recursive: boolean, attributes: number) =>
    openBind(program, { source, recursive, attributes, propagation: 'private' });
  const hostCgroups =
    spec.namespaces.cgroup === 'host' ? take('/sys/fs/cgroup', true, privileged ? 0 : MOUNT_ATTR_RDONLY) : undefined;
  return {
    mounts: sorted.map((each) => byTarget.get(each.target) ?? each),
    etcFiles,
    devices: devices.map(({ source, target }) => ({ target, tree: takeDevice(program, source) })),
    hostDev: privileged ? take('/dev', false, 0) : undefined,
    hostShm: spec.namespaces.ipc === 'host' ? take('/dev/shm', false, 0) : undefined,
    hostCgroups,
  };
}

/**
 * Volumes come before /proc, /sys and /dev: whatever a container that shares one makes of its paths meanwhile, a mount
 * can then end up under the kernel's file systems, never over them.
 */
function fillRoot(
  program: Program,
  config: LaunchConfig,
  taken: Taken & { readonly overlays: readonly TakenOverlay[]; readonly idBase: number },
): void {
  const { spec, network, kernel } = config;
  const { privileged } = spec.security;
  attachOverlays(program, taken.overlays);
  for (const mount of taken.mounts) if (!isBelowKernelMounts(mount.target)) attachMount(program, mount, taken.idBase);
  const etcIsMount = taken.mounts.some(({ target }) => target === '/etc');
  for (const file of taken.etcFiles) attachEtcFile(program, file, etcIsMount);
  const filesystems: KernelFilesystems = { ...config, hostCgroups: taken.hostCgroups };
  mountProcAndSys(program, filesystems);
  mountCgroups(program, filesystems);
  mountDev(program, { ...taken, spec, devpts: spec.tty ? DEVPTS : undefined });
  if (!spec.stdinOpen && !spec.tty) reopenStdin(program);
  const own = { network: network.type === 'path', ipc: spec.namespaces.ipc === 'private' };
  writeSysctls(program, containerSysctls(spec.sysctls, own));
  if (!privileged) {
    maskPaths(program, kernel);
    makePathsReadOnly(program);
  }
  for (const { target, tree } of taken.devices) attachDevice(program, tree, target);
  for (const mount of taken.mounts) if (isBelowKernelMounts(mount.target)) attachMount(program, mount, taken.idBase);
  makeDirectories(program, spec.workingDir);
  if (spec.readOnly) makeRootReadOnly(program, taken.overlays);
}

function nameHost(program: Program, { spec }: LaunchConfig): void {
  if (spec.namespaces.uts !== 'private') return;
  const { hostname, domainname } = spec;
  program.call('sethostname', [hostname, Buffer.byteLength(hostname)], `set hostname to ${hostname}`);
  if (domainname === '') return;
  program.call('setdomainname', [domainname, Buffer.byteLength(domainname)], `set domain name to ${domainname}`);
}

function finish(program: Program, config: LaunchConfig, userNamespace: number | undefined): void {
  const { spec, identity, kernel, seccompProfile } = config;
  const capabilities = containerCapabilities(spec.security, kernel);
  const filter = containerFilter({ spec, kernel, capabilities, seccompProfile });
  const process = { spec, kernel, identity, capabilities, filter, workingDir: spec.workingDir, userNamespace };
  becomeProcess(program, process, 'nothing');
  const execution = { argv: spec.argv, env: containerEnvironment(spec.env, spec, { identity, tty: spec.tty }) };
  if (spec.init) stayAsInit(program);
  executeProgram(program, execution);
}
