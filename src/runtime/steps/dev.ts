import type { ContainerSpec } from '../../model/container.ts';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  ENOENT,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_STRICTATIME,
  O_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFCHR,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { attachBind, makeMountPoint, mountFilesystem, removeLink } from './mount.ts';
import { takeDevice } from './volumes.ts';

/** OCI runtime-spec config-linux.md, "Default Devices": name, major, minor. */
const NODES: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

/** The same, "Default Filesystems" and runc's links. */
const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
];

export interface DevConfig {
  readonly spec: ContainerSpec;
  /** The host's /dev, taken, of a privileged container. */
  readonly hostDev: number | undefined;
  /** /dev/shm, taken, of the host or the container whose IPC namespace is shared; absent: it has its own, or none. */
  readonly shm: number | undefined;
  /** The host's id of the container's root: 0 without a user namespace. */
  readonly idBase: number;
  /** A devpts that is mounted nowhere yet, with the terminal of the first process; absent: a new one is. */
  readonly devpts: number | undefined;
  /** Nodes of the host, where none can be made. */
  readonly nodes?: readonly TakenNode[] | undefined;
}

/** A device of the host on a mount without a place, and its name. */
export interface TakenNode {
  readonly name: string;
  readonly tree: number;
}

/** In a user namespace no device can be made: the host's are bound, which are not ours to change. */
export function takeNodes(program: Program): readonly TakenNode[] {
  return NODES.map(([name]) => ({ name, tree: takeDevice(program, `/dev/${name}`) }));
}

/**
 * /dev: a tmpfs with nodes of its own, so that a chmod inside reaches no node of the host. A privileged container gets
 * the host's /dev, with a devpts, shm and mqueue of its own over it.
 */
export function mountDev(program: Program, { spec, hostDev, shm, idBase, devpts, nodes }: DevConfig): void {
  const { ipc } = spec.namespaces;
  removeLink(program, '/dev');
  makeMountPoint(program, '/dev', 'directory');
  if (hostDev === undefined) fillDev(program, nodes);
  else attachBind(program, hostDev, '/dev', { follow: false });
  for (const name of ['pts', ...(ipc === 'none' ? [] : ['shm']), 'mqueue']) {
    program.call('mkdirat', [AT_FDCWD, `/dev/${name}`, 0o755], `make directory /dev/${name}`, { tolerate: [EEXIST] });
  }
  if (devpts !== undefined) attachBind(program, devpts, '/dev/pts', { follow: false });
  else {
    mountFilesystem(program, {
      type: 'devpts',
      target: '/dev/pts',
      flags: MS_NOSUID | MS_NOEXEC,
      data: `newinstance,${devptsOptions(idBase).join(',')}`,
    });
  }
  if (devpts !== undefined) mountConsole(program, hostDev !== undefined);
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (shm !== undefined) attachBind(program, shm, '/dev/shm', { follow: false });
  else if (ipc !== 'none') {
    const data = `mode=1777,size=${spec.shmSizeBytes}`;
    mountFilesystem(program, { type: 'tmpfs', target: '/dev/shm', flags, data });
  }
  mountFilesystem(program, { type: 'mqueue', target: '/dev/mqueue', flags });
  if (idBase === 0) return;
  // Theirs is the user who made the namespace; a tmpfs is its mounter's.
  const ofNamespace = ['/dev/pts', '/dev/pts/ptmx', ...(shm === undefined ? ['/dev/mqueue'] : [])];
  for (const path of ofNamespace) {
    program.call('fchownat', [AT_FDCWD, path, idBase, idBase, 0], `give ${path} to the container's root`);
  }
}

/** The terminal of the first process, from a devpts that nobody but us has a node on, over a file that is made here. */
function mountConsole(program: Program, hostsNode: boolean): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW;
  const tree = program.open('open_tree', [AT_FDCWD, '/dev/pts/0', flags], 'take /dev/pts/0');
  if (!hostsNode) makeMountPoint(program, '/dev/console', 'file');
  // A host may have none, and gets none from us.
  const tolerate = hostsNode ? [ENOENT] : [];
  const words = 'have the terminal as /dev/console';
  program.call('move_mount', [tree, '', AT_FDCWD, '/dev/console', MOVE_MOUNT_F_EMPTY_PATH], words, { tolerate });
  program.close(tree);
}

/** `idBase`: the host's id of the container's root. Group 5 is tty everywhere. */
export function devptsOptions(idBase: number): readonly `${string}=${string}`[] {
  return ['ptmxmode=0666', 'mode=0620', `gid=${idBase + 5}`];
}

function fillDev(program: Program, nodes: readonly TakenNode[] | undefined): void {
  mountFilesystem(program, {
    type: 'tmpfs',
    target: '/dev',
    flags: MS_NOSUID | MS_STRICTATIME,
    data: 'mode=755,size=65536k',
  });
  if (nodes === undefined) makeNodes(program);
  for (const { name, tree } of nodes ?? []) {
    makeMountPoint(program, `/dev/${name}`, 'file');
    attachBind(program, tree, `/dev/${name}`, { follow: false });
  }
  for (const [name, target] of LINKS) {
    program.call('symlinkat', [target, AT_FDCWD, `/dev/${name}`], `link /dev/${name} to ${target}`);
  }
}

function makeNodes(program: Program): void {
  program.call('umask', [0], 'take modes as they are given');
  for (const [name, major, minor] of NODES) {
    const mode = S_IFCHR | 0o666;
    program.call('mknodat', [AT_FDCWD, `/dev/${name}`, mode, major * 256 + minor], `make device /dev/${name}`);
  }
  program.call('umask', [0o022], 'set umask to 022');
}

/** A program that is root can change the mode of what is open for it: not of the host's null device. */
export function reopenStdin(program: Program): void {
  const file = program.open('openat', [AT_FDCWD, '/dev/null', O_RDONLY, 0], 'open /dev/null');
  program.call('dup3', [file, 0, 0], 'make it standard input');
  program.close(file);
}
