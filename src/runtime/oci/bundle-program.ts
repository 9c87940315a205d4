import { posix } from 'node:path';
import { DEFAULT_PATH } from '../../model/default-path.ts';
import type { LaunchConfig } from '../config.ts';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWCGROUP,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_VFORK,
  EINVAL,
  ENOENT,
  LAST_DESCRIPTOR,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_SLAVE,
  O_RDONLY,
  O_WRONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PR_SET_CHILD_SUBREAPER,
  SIGCHLD,
} from '../launcher/constants.ts';
import { type Call, Program } from '../launcher/program.ts';
import { freeDevices, limitDevices } from '../steps/devices.ts';
import { mountCgroups, writeSysctls } from '../steps/kernel-filesystems.ts';
import { mountFilesystem, openBind, stopPropagation } from '../steps/mount.ts';
import { executeProgram, resetSignals, stayAsInit } from '../steps/process.ts';
import { mountOverlays } from '../steps/root.ts';
import { giveOutput, openStdin } from '../steps/streams.ts';
import { actAsContainerRoot, makeUserNamespace } from '../steps/user-namespace.ts';
import { isShared, type MountPolicy, mountPolicy, takeDevice, takeEtcFiles, takeMount } from '../steps/volumes.ts';
import { hasErrorLog, hasRelay } from '../streams.ts';
import { RELAY_STREAM } from '../streams-program.ts';
import { hostIdBase } from '../user-namespace.ts';
import { bundlePaths } from './bundle.ts';
import { foreignHierarchies } from './hierarchies.ts';
import { ociMounts, type PlacedMount, seenBundle } from './mounts.ts';
import { programsDevices, runtimeTraits } from './runtimes.ts';
import { launcherSysctls } from './spec.ts';

/**
 * The launcher of a start by an OCI runtime: the first process stays, in the host's namespaces and outside the container's
 * cgroups, as who adopts pid 1 when the runtime has gone, and ends as it ends. Its child puts everything of the host that
 * config.json names into the bundle, in a mount namespace of its own, and goes on with stage `start` of the launch
 * script. So no mount is seen outside, and none outlives the container, whoever is killed.
 */
export function bundleProgram(config: LaunchConfig): readonly Call[] {
  const { spec, paths, network, kernel, identity } = config;
  const bundle = bundlePaths(paths);
  const program = new Program([0, 1, 2, 3]);
  if (hasRelay(spec) && !spec.tty) program.call('dup3', [RELAY_STREAM, 0, 0], 'make the pipe standard input');
  program.call('close_range', [4, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  if (!hasErrorLog(spec)) program.call('dup3', [1, 2, 0], 'make standard error what standard output is');
  program.call('unlinkat', [AT_FDCWD, paths.launcher, 0], `remove ${paths.launcher}, which runs`, {
    tolerate: [ENOENT],
  });
  if (spec.stdinOpen && !hasRelay(spec)) openStdin(program, paths);
  const idBase = hostIdBase(spec, kernel, identity);
  if (idBase !== undefined && !spec.tty) giveOutput(program, config, idBase);
  prepareDevices(program, config);
  program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'be who adopts pid 1');
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'wait for pid 1, go on in a child', { fork: 'adopt' });
  program.call('setsid', [], 'begin a session');
  resetSignals(program);
  program.call('unshare', [CLONE_NEWNS], 'make a mount namespace');
  if (network.type === 'path' && idBase !== undefined) {
    const file = program.open('openat', [AT_FDCWD, network.path, O_RDONLY, 0], `open ${network.path}`);
    program.call('setns', [file, CLONE_NEWNET], 'enter the network namespace');
    program.close(file);
    writeSysctls(program, launcherSysctls(config));
  }
  fillBundle(program, config);
  program.call('chdir', [bundle.directory], `go to ${bundle.directory}`);
  executeProgram(program, { argv: ['/bin/sh', paths.launchScript, 'start'], env: { PATH: DEFAULT_PATH } });
  return program.calls;
}

/** A runtime that makes no cgroups makes no program for devices either; another one makes its own, and must be able to. */
function prepareDevices(program: Program, { devices, oci }: LaunchConfig): void {
  if (devices === undefined || oci === undefined) return;
  const traits = runtimeTraits(oci.program);
  if (traits.leavesCgroups) limitDevices(program, devices);
  if (programsDevices(traits)) freeDevices(program, devices);
}

/** The init of `init: true`: a static program of our own, on a read-only mount; no file of the host is executed inside. */
export function initProgram({ spec }: LaunchConfig, env: Readonly<Record<string, string>>): readonly Call[] {
  const program = new Program([0, 1, 2]);
  stayAsInit(program);
  executeProgram(program, { argv: spec.argv, env });
  return program.calls;
}

function fillBundle(program: Program, config: LaunchConfig): void {
  const { spec, kernel, identity, rootfs, paths } = config;
  const idBase = hostIdBase(spec, kernel, identity);
  const userNamespace = idBase === undefined ? undefined : makeUserNamespace(program, idBase);
  const policy = mountPolicy(spec, kernel, userNamespace?.file);
  const mounts = ociMounts(config);
  const shared = mounts.filter(isSharedMount);
  // Shared mounts while they are still shared; a slave is what everything else becomes.
  const trees = new Map(shared.map((each) => [each, take(program, config, { each, policy })]));
  stopPropagation(program, MS_REC | MS_SLAVE);
  hideHierarchies(program, config);
  for (const each of mounts) if (!trees.has(each)) trees.set(each, take(program, config, { each, policy }));
  const etc = takeEtcFiles(program, config, { covered: new Set(covered(config, mounts)), idmap: policy.idmap });
  if (userNamespace !== undefined) actAsContainerRoot(program, userNamespace, kernel);
  const overlays = mountOverlays(program, rootfs, { ...policy, paths });
  for (const each of mounts) {
    const { source, place } = each;
    const tree =
      source?.type === 'overlay'
        ? overlays.find(({ target }) => target === source.target)?.tree
        : source?.type === 'etc'
          ? etc.find(({ target }) => target === source.target)?.tree
          : trees.get(each);
    if (tree !== undefined) put(program, tree, place);
  }
  showBundle(program, config);
  if (userNamespace !== undefined) program.close(userNamespace.file);
}

function isSharedMount({ source }: PlacedMount): boolean {
  return source?.type === 'mount' && isShared({ target: source.target, mount: source.mount });
}

/** /etc files that a mount of the stack file takes the place of. */
function covered({ mounts }: LaunchConfig, placed: readonly PlacedMount[]): readonly string[] {
  const etc = new Set(placed.flatMap(({ source }) => (source?.type === 'etc' ? [source.target] : [])));
  return ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf', ...mounts.map(({ target }) => target)].filter(
    (target) => !etc.has(target),
  );
}

/** Gives the descriptor of what a mount binds; undefined: it is got hold of otherwise, or it binds nothing. */
function take(
  program: Program,
  config: LaunchConfig,
  { each: { source, place }, policy }: { readonly each: PlacedMount; readonly policy: MountPolicy },
): number | undefined {
  switch (source?.type) {
    case 'mount':
      return takeMount(program, { target: source.target, mount: source.mount }, policy).tree;
    case 'device':
      return takeDevice(program, source.path);
    case 'file':
      return openBind(program, {
        source: source.path,
        recursive: false,
        attributes: MOUNT_ATTR_RDONLY,
        propagation: 'private',
      });
    case 'host':
      return openBind(program, {
        source: source.path,
        recursive: source.recursive,
        attributes: source.readOnly ? MOUNT_ATTR_RDONLY : 0,
        propagation: 'private',
      });
    case 'sysfs':
      mountFilesystem(program, {
        type: 'sysfs',
        target: place,
        flags: MS_NOSUID | MS_NODEV | MS_NOEXEC | (source.readOnly ? MS_RDONLY : 0),
      });
      return undefined;
    case 'cgroups':
      mountOwnCgroups(program, config, place);
      return undefined;
    case 'overlay':
    case 'etc':
    case undefined:
      return undefined;
  }
}

/**
 * What a mount of cgroups shows is decided by the cgroup namespace of who makes it: by a child that goes into the
 * container's cgroups for that, and ends there before anybody else comes.
 */
function mountOwnCgroups(program: Program, config: LaunchConfig, place: string): void {
  const { cgroupJoinFiles, kernel } = config;
  const joined = kernel.cgroupMounts.find(({ path }) => cgroupJoinFiles.some((file) => file.startsWith(`${path}/`)));
  const child = (to: Program) => {
    for (const path of cgroupJoinFiles) {
      const file = to.open('openat', [AT_FDCWD, path, O_WRONLY, 0], `open ${path}`);
      to.call('write', [file, '0', 1], 'enter the cgroup');
      to.close(file);
    }
    to.call('unshare', [CLONE_NEWCGROUP], 'make a cgroup namespace');
    mountCgroups(to, { ...config, hostCgroups: undefined }, place);
    to.call('exit_group', [0], 'end the child');
  };
  const counted = new Program([]);
  child(counted);
  const flags = CLONE_VFORK | SIGCHLD;
  program.call('clone', [flags, 0, 0, 0, 0], 'mount cgroups in a child', { parentSkips: counted.calls.length });
  child(program);
  program.call('wait4', [-1, 0, 0, 0], 'reap the child');
  const hierarchy = kernel.cgroupVersion === 2 || joined === undefined ? '' : `/${posix.basename(joined.path)}`;
  program.call('faccessat', [AT_FDCWD, `${place}${hierarchy}/cgroup.procs`, 0], 'see that it has done so');
}

function put(program: Program, tree: number, place: string): void {
  program.call('move_mount', [tree, '', AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH], `mount it on ${place}`);
  program.close(tree);
}

/** The root in its place, and the whole bundle where the runtime looks for it. */
function showBundle(program: Program, config: LaunchConfig): void {
  const { paths } = config;
  const bundle = bundlePaths(paths);
  const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const root = program.open('open_tree', [AT_FDCWD, paths.layers, clone], 'take the root');
  put(program, root, bundle.root);
  const seen = seenBundle(config);
  if (seen === bundle.directory) return;
  const words = 'take the bundle with all that is mounted in it';
  const all = program.open('open_tree', [AT_FDCWD, bundle.directory, clone | AT_RECURSIVE], words);
  put(program, all, seen);
}

/**
 * Hierarchies that a container has no cgroup of ours in are out of the runtime's sight: it would make some there, which
 * nobody removes. And crun refuses to work where cgroup2 is mounted beside version 1.
 */
function hideHierarchies(program: Program, config: LaunchConfig): void {
  for (const path of foreignHierarchies(config)) {
    program.call('umount2', [path, MNT_DETACH], `hide ${path}`, { tolerate: [EINVAL, ENOENT] });
  }
}
