import { ownsIpc } from '../model/sharing.ts';
import { containerCapabilities } from './capabilities.ts';
import type { LaunchConfig } from './config.ts';
import { containerEnvironment } from './environment.ts';
import { containerLabels } from './labels.ts';
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUTS,
  ENOENT,
  F_SETFD,
  FD_CLOEXEC,
  LAST_DESCRIPTOR,
  MOUNT_ATTR_RDONLY,
  MS_REC,
  MS_SLAVE,
  O_RDONLY,
} from './launcher/constants.ts';
import { type Call, Program } from './launcher/program.ts';
import { HOLDER, STATUS } from './script.ts';
import { containerFilter } from './seccomp/filter.ts';
import { becomeProgram } from './steps/become-program.ts';
import { mountDev, reopenStdin, type TakenNode, takeNodes } from './steps/dev.ts';
import { limitDevices } from './steps/devices.ts';
import { hideProcess, joinIpc } from './steps/join.ts';
import {
  type KernelFilesystems,
  type KernelMounts,
  makePathsReadOnly,
  maskPaths,
  mountCgroups,
  mountProcAndSys,
  takeKernelMounts,
  writeSysctls,
} from './steps/kernel-filesystems.ts';
import { makeDirectories, openBind, stopPropagation } from './steps/mount.ts';
import { joinSessionKeyring, resetSignals, setLabels, setOomScore } from './steps/process.ts';
import { attachOverlays, changeRoot, makeRootReadOnly, mountOverlays, type TakenOverlay } from './steps/root.ts';
import { giveOutput, openStdin } from './steps/streams.ts';
import { takeTerminal } from './steps/terminal.ts';
import { actAsContainerRoot, makeUserNamespace } from './steps/user-namespace.ts';
import {
  attachDevice,
  attachEtcFile,
  attachMount,
  isBelowKernelMounts,
  isShared,
  type MountPolicy,
  mountPolicy,
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

/** Descriptor of the holder's directory in /proc, where one shares an IPC namespace. */
function holderOf({ spec }: LaunchConfig): number | undefined {
  if (typeof spec.namespaces.ipc !== 'object') return undefined;
  return spec.tty ? DEVPTS + 1 : STATUS + 1;
}

/** Everything that comes from the host's paths, held by descriptors when the root changes. */
interface Taken {
  /** Parents before children. */
  readonly mounts: readonly TakenMount[];
  readonly etcFiles: readonly TakenFile[];
  readonly devices: readonly { readonly target: string; readonly tree: number }[];
  readonly hostDev: number | undefined;
  /** /dev/shm of whoever the IPC namespace is shared with. */
  readonly shm: number | undefined;
  readonly hostCgroups: number | undefined;
  /** In a user namespace: what cannot be made any more when the root has changed. */
  readonly kernelMounts: KernelMounts | undefined;
  readonly nodes: readonly TakenNode[] | undefined;
}

/**
 * The launcher of one start. It begins as the first process of the container's pid namespace and cgroups, with the
 * host's root, standard output on the log and the status pipe as descriptor 3; it ends by executing the program.
 */
export function launchProgram(config: LaunchConfig): readonly Call[] {
  const { tty, namespaces } = config.spec;
  const holder = holderOf(config);
  const program = new Program([0, 1, 2, STATUS, ...(tty ? [TERMINAL, DEVPTS] : []), ...[holder ?? []].flat()]);
  takeStreams(program, config, holder);
  leaveLauncherFile(program, config);
  // Its processes see this one before it is a container's.
  if (typeof namespaces.pid === 'object') hideProcess(program);
  resetSignals(program);
  joinSessionKeyring(program);
  setOomScore(program, config.spec.resources.oomScoreAdj);
  setLabels(program, containerLabels(config.spec, config.kernel));
  if (config.spec.stdinOpen && !hasRelay(config.spec)) openStdin(program, config.paths);
  const idBase = hostIdBase(config.spec, config.kernel, config.identity);
  if (config.devices !== undefined) limitDevices(program, config.devices);
  if (tty) takeTerminal(program, TERMINAL, (idBase ?? 0) + config.identity.uid);
  else if (idBase !== undefined) giveOutput(program, config, idBase);
  const sharedShm = holder === undefined ? undefined : joinIpc(program, holder, config.holders?.ipc?.name ?? '');
  enterNamespaces(program, config);
  const userNamespace = idBase === undefined ? undefined : makeUserNamespace(program, idBase);
  const policy = mountPolicy(config.spec, config.kernel, userNamespace?.file);
  const taken = takeSources(program, config, { ...policy, sharedShm });
  if (userNamespace !== undefined) actAsContainerRoot(program, userNamespace, config.kernel);
  const overlays = mountOverlays(program, config.rootfs, { ...policy, paths: config.paths });
  changeRoot(program, config.paths);
  fillRoot(program, config, { ...taken, overlays, idBase: idBase ?? 0 });
  nameHost(program, config);
  finish(program, config, userNamespace?.file);
  return program.calls;
}

/** What the program of `streams-program.ts` has opened, as 6 and 7. */
function takeStreams(program: Program, { spec }: LaunchConfig, holder: number | undefined): void {
  if (spec.tty) {
    program.call('dup3', [RELAY_STREAM, TERMINAL, 0], `make the terminal ${TERMINAL}`);
    program.call('dup3', [RELAY_DEVPTS, DEVPTS, 0], `make the file system that it is on ${DEVPTS}`);
  } else if (hasRelay(spec)) program.call('dup3', [RELAY_STREAM, 0, 0], 'make the pipe standard input');
  if (holder !== undefined) program.call('dup3', [HOLDER, holder, 0], `make whose IPC namespace is shared ${holder}`);
  const last = holder ?? (spec.tty ? DEVPTS : STATUS);
  const words = last === STATUS ? 'close everything beyond the status pipe' : 'close everything beyond';
  program.call('close_range', [last + 1, LAST_DESCRIPTOR, 0], words);
}

function leaveLauncherFile(program: Program, { spec, paths }: LaunchConfig): void {
  program.call('fcntl', [3, F_SETFD, FD_CLOEXEC], 'close the status pipe on execution');
  if (!hasErrorLog(spec)) program.call('dup3', [1, 2, 0], 'make standard error what standard output is');
  // A program inside that gets hold of this one's file through /proc overwrites nothing (CVE-2019-5736).
  program.call('unlinkat', [AT_FDCWD, paths.launcher, 0], `remove ${paths.launcher}, which runs`, {
    tolerate: [ENOENT],
  });
  program.call('setsid', [], 'begin a session');
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
    ...(ownsIpc({ ipc }) ? [['ipc', CLONE_NEWIPC] as const] : []),
    ...(cgroup === 'private' ? [['cgroup', CLONE_NEWCGROUP] as const] : []),
  ];
  const flags = own.reduce((sum, [, flag]) => sum + flag, 0);
  program.call('unshare', [flags], `make namespaces: ${own.map(([name]) => name).join(', ')}`);
}

function takeSources(
  program: Program,
  config: LaunchConfig,
  policy: MountPolicy & { readonly sharedShm: number | undefined },
): Taken {
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
    // Of mounts that we have from another user namespace none can be uncovered: all or nothing.
    hostDev: privileged ? take('/dev', policy.userNamespace === true, 0) : undefined,
    shm: spec.namespaces.ipc === 'host' ? take('/dev/shm', false, 0) : policy.sharedShm,
    hostCgroups,
    kernelMounts: policy.userNamespace === true ? takeKernelMounts(program, config) : undefined,
    nodes: policy.userNamespace === true && !privileged ? takeNodes(program) : undefined,
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
  const { privileged, systemPaths } = spec.security;
  attachOverlays(program, taken.overlays);
  for (const mount of taken.mounts) if (!isBelowKernelMounts(mount.target)) attachMount(program, mount, taken.idBase);
  const etcIsMount = taken.mounts.some(({ target }) => target === '/etc');
  for (const file of taken.etcFiles) attachEtcFile(program, file, etcIsMount);
  const filesystems: KernelFilesystems = { ...config, hostCgroups: taken.hostCgroups, taken: taken.kernelMounts };
  mountProcAndSys(program, filesystems);
  mountCgroups(program, filesystems);
  mountDev(program, { ...taken, spec, devpts: spec.tty ? DEVPTS : undefined });
  if (!spec.stdinOpen && !spec.tty) reopenStdin(program);
  const { ipc, uts } = spec.namespaces;
  const own = {
    network: network.type === 'path',
    ipc: ipc !== 'host',
    uts: uts === 'private',
    lastGid: kernel.lastGid,
  };
  writeSysctls(program, containerSysctls(spec.sysctls, own));
  if (!privileged && systemPaths !== 'unconfined') {
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
  const filter = containerFilter({ security: spec.security, kernel, capabilities, seccompProfile });
  const process = { spec, kernel, identity, capabilities, filter, workingDir: spec.workingDir, userNamespace };
  const execution = { argv: spec.argv, env: containerEnvironment(spec.env, spec, { identity, tty: spec.tty }) };
  becomeProgram(program, process, execution);
}
