import type { ContainerSpec } from '../../model/container.ts';
import {
  AT_FDCWD,
  EEXIST,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_STRICTATIME,
  O_RDONLY,
  S_IFCHR,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { attachBind, makeMountPoint, mountFilesystem, removeLink } from './mount.ts';

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
  /** The host's /dev/shm, taken, when the container shares the host's IPC namespace. */
  readonly hostShm: number | undefined;
  /** The host's id of the container's root: 0 without a user namespace. */
  readonly idBase: number;
  /** A devpts that is mounted nowhere yet, with the terminal of the first process; absent: a new one is. */
  readonly devpts: number | undefined;
}

/**
 * /dev: a tmpfs with nodes of its own, so that a chmod inside reaches no node of the host. A privileged container gets
 * the host's /dev, with a devpts, shm and mqueue of its own over it.
 */
export function mountDev(program: Program, { spec, hostDev, hostShm, idBase, devpts }: DevConfig): void {
  removeLink(program, '/dev');
  makeMountPoint(program, '/dev', 'directory');
  if (hostDev === undefined) fillDev(program);
  else attachBind(program, hostDev, '/dev', { follow: false });
  for (const name of ['pts', 'shm', 'mqueue']) {
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
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (hostShm !== undefined) attachBind(program, hostShm, '/dev/shm', { follow: false });
  else {
    const data = `mode=1777,size=${spec.shmSizeBytes}`;
    mountFilesystem(program, { type: 'tmpfs', target: '/dev/shm', flags, data });
  }
  mountFilesystem(program, { type: 'mqueue', target: '/dev/mqueue', flags });
  if (idBase === 0) return;
  // Theirs is the user who made the namespace; a tmpfs is its mounter's.
  const ofNamespace = ['/dev/pts', '/dev/pts/ptmx', ...(hostShm === undefined ? ['/dev/mqueue'] : [])];
  for (const path of ofNamespace) {
    program.call('fchownat', [AT_FDCWD, path, idBase, idBase, 0], `give ${path} to the container's root`);
  }
}

/** `idBase`: the host's id of the container's root. Group 5 is tty everywhere. */
export function devptsOptions(idBase: number): readonly `${string}=${string}`[] {
  return ['ptmxmode=0666', 'mode=0620', `gid=${idBase + 5}`];
}

function fillDev(program: Program): void {
  mountFilesystem(program, {
    type: 'tmpfs',
    target: '/dev',
    flags: MS_NOSUID | MS_STRICTATIME,
    data: 'mode=755,size=65536k',
  });
  program.call('umask', [0], 'take modes as they are given');
  for (const [name, major, minor] of NODES) {
    const mode = S_IFCHR | 0o666;
    program.call('mknodat', [AT_FDCWD, `/dev/${name}`, mode, major * 256 + minor], `make device /dev/${name}`);
  }
  program.call('umask', [0o022], 'set umask to 022');
  for (const [name, target] of LINKS) {
    program.call('symlinkat', [target, AT_FDCWD, `/dev/${name}`], `link /dev/${name} to ${target}`);
  }
}

/** A program that is root can change the mode of what is open for it: not of the host's null device. */
export function reopenStdin(program: Program): void {
  const file = program.open('openat', [AT_FDCWD, '/dev/null', O_RDONLY, 0], 'open /dev/null');
  program.call('dup3', [file, 0, 0], 'make it standard input');
  program.close(file);
}
