import { posix } from 'node:path';
import type { ContainerSpec } from '../../model/container.ts';
import type { ContainerPaths } from '../../store/paths.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_REMOVEDIR,
  EACCES,
  ENOENT,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  O_WRONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import type { Sysctl } from '../sysctl.ts';
import { attachBind, makeMountPoint, mountAttributes, mountFilesystem, removeLink } from './mount.ts';

const HARDENED = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** runc and moby: what of /proc stays visible but must not be written. */
export const READ_ONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** An empty read-only directory of ours, which masked directories are covered with; gone when the container starts. */
const MASK = '/dev/.mask';

export interface KernelFilesystems {
  readonly spec: ContainerSpec;
  readonly kernel: KernelFacts;
  /** Of the container: hierarchies without one of ours in it are not shown. */
  readonly cgroupJoinFiles: readonly string[];
  /** The host's /sys/fs/cgroup, taken, when the container shares the host's cgroup namespace. */
  readonly hostCgroups: number | undefined;
  /** Those that were mounted before the root changed. */
  readonly taken?: KernelMounts | undefined;
}

/** Descriptors of mounts that have no place yet. */
export interface KernelMounts {
  readonly proc: number;
  readonly sys: number;
}

/**
 * In a user namespace /proc and /sys can be mounted only where those of the machine are to be seen. So they are mounted on
 * a directory of the container before its root changes, and taken away from there.
 */
export function takeKernelMounts(
  program: Program,
  { spec, paths }: { readonly spec: ContainerSpec; readonly paths: ContainerPaths },
): KernelMounts {
  const take = (type: string, flags: number): number => {
    mountFilesystem(program, { type, target: paths.layers, flags });
    const tree = program.open(
      'open_tree',
      [AT_FDCWD, paths.layers, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC],
      `take the ${type}`,
    );
    program.call('umount2', [paths.layers, MNT_DETACH], `unmount ${paths.layers}`);
    return tree;
  };
  return { proc: take('proc', HARDENED), sys: take('sysfs', HARDENED | (spec.security.privileged ? 0 : MS_RDONLY)) };
}

/** /proc and /sys, as Docker mounts them. */
export function mountProcAndSys(program: Program, { spec, taken }: KernelFilesystems): void {
  for (const target of ['/proc', '/sys']) {
    removeLink(program, target);
    makeMountPoint(program, target, 'directory');
  }
  if (taken !== undefined) {
    attachBind(program, taken.proc, '/proc', { follow: false });
    attachBind(program, taken.sys, '/sys', { follow: false });
    return;
  }
  mountFilesystem(program, { type: 'proc', target: '/proc', flags: HARDENED });
  const readOnly = spec.security.privileged ? 0 : MS_RDONLY;
  mountFilesystem(program, { type: 'sysfs', target: '/sys', flags: HARDENED | readOnly });
}

export function mountCgroups(program: Program, config: KernelFilesystems, target = '/sys/fs/cgroup'): void {
  const { spec, kernel, hostCgroups } = config;
  const readOnly = spec.security.privileged ? 0 : MS_RDONLY;
  if (hostCgroups !== undefined) {
    attachBind(program, hostCgroups, target, { follow: false });
  } else if (kernel.cgroupVersion === 2) {
    mountFilesystem(program, { type: 'cgroup2', target, flags: HARDENED | readOnly });
  } else {
    mountHierarchies(program, config, target);
  }
}

/** cgroup v1: a directory with a mount per hierarchy, and links for the controllers of those that have several. */
function mountHierarchies(program: Program, config: KernelFilesystems, target: string): void {
  const { spec, kernel, cgroupJoinFiles } = config;
  const readOnly = spec.security.privileged ? 0 : MS_RDONLY;
  mountFilesystem(program, { type: 'tmpfs', target, flags: HARDENED, data: 'mode=755' });
  const joined = kernel.cgroupMounts.filter(({ path }) => cgroupJoinFiles.some((file) => file.startsWith(`${path}/`)));
  for (const { path, options } of joined) {
    const name = posix.basename(path);
    makeMountPoint(program, `${target}/${name}`, 'directory');
    mountFilesystem(program, {
      type: 'cgroup',
      target: `${target}/${name}`,
      flags: HARDENED | readOnly,
      data: options,
    });
    for (const controller of options.split(',').filter((each) => each !== name && !each.includes('='))) {
      const link = `${target}/${controller}`;
      program.call('symlinkat', [name, AT_FDCWD, link], `link ${link} to ${name}`);
    }
  }
  if (readOnly !== 0) {
    program.call(
      'mount_setattr',
      [AT_FDCWD, target, 0, mountAttributes(MOUNT_ATTR_RDONLY), 32],
      `make ${target} read-only`,
    );
  }
}

/** Must come before /proc/sys is read-only. */
export function writeSysctls(program: Program, sysctls: readonly Sysctl[]): void {
  for (const { name, path, value, optional } of sysctls) {
    const file = program.open('openat', [AT_FDCWD, `/proc/sys/${path}`, O_WRONLY, 0], `open sysctl ${name}`, {
      tolerate: optional ? [ENOENT, EACCES] : [],
      skip: 2,
    });
    program.call('write', [file, value, Buffer.byteLength(value)], `set sysctl ${name} to "${value}"`);
    program.close(file);
  }
}

/**
 * Masked paths: files are covered by the null device of the container's own /dev, directories by an empty tmpfs. Both
 * come from a tmpfs that was made a moment ago, so the image has no say in what they are (CVE-2025-31133).
 */
export function maskPaths(program: Program, kernel: KernelFacts): void {
  program.call('mkdirat', [AT_FDCWD, MASK, 0o755], `make directory ${MASK}`);
  mountFilesystem(program, {
    type: 'tmpfs',
    target: MASK,
    flags: HARDENED | MS_RDONLY,
    data: 'size=4k,nr_inodes=1,mode=555',
  });
  for (const { path, type } of kernel.maskedPaths) {
    const source = type === 'file' ? '/dev/null' : MASK;
    const tree = program.open(
      'open_tree',
      [AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC],
      `take ${source} to mask ${path}`,
    );
    const attributes = mountAttributes(MOUNT_ATTR_RDONLY);
    program.call('mount_setattr', [tree, '', AT_EMPTY_PATH, attributes, 32], 'make it ro');
    program.call('move_mount', [tree, '', AT_FDCWD, path, 0x4], `mask ${path}`, { tolerate: [ENOENT] });
    program.close(tree);
  }
  program.call('umount2', [MASK, MNT_DETACH], `unmount ${MASK}`);
  program.call('unlinkat', [AT_FDCWD, MASK, AT_REMOVEDIR], `remove ${MASK}`);
}

export function makePathsReadOnly(program: Program): void {
  const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  for (const path of READ_ONLY_PATHS) {
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    const tree = program.open('open_tree', [AT_FDCWD, path, flags], `take ${path}`, { tolerate: [ENOENT], skip: 3 });
    program.call(
      'mount_setattr',
      [tree, '', AT_EMPTY_PATH | AT_RECURSIVE, mountAttributes(attributes), 32],
      'make it ro,nosuid,nodev,noexec',
    );
    attachBind(program, tree, path, { follow: false });
  }
}
