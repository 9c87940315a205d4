import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  MS_PRIVATE,
  O_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PR_SET_DUMPABLE,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { mountAttributes } from './mount.ts';

/** Until the program is executed, nobody inside may look into this process or trace it (CVE-2016-9962). */
export function hideProcess(program: Program): void {
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0], 'be out of reach of other processes');
}

/**
 * Enters the IPC namespace of another container, and gives a descriptor of its /dev/shm. That mount is in no namespace of
 * ours, and open_tree(2) copies only what is in the caller's: so it is taken in that container's. `holder`: descriptor of
 * the directory in /proc of its first process, which is closed.
 */
export function joinIpc(program: Program, holder: number, name: string): number {
  const open = (path: string) => program.open('openat', [holder, path, O_RDONLY, 0], `open ${path} of ${name}`);
  const home = program.open('openat', [AT_FDCWD, '/proc/self/ns/mnt', O_RDONLY, 0], 'open the mount namespace');
  const mounts = open('ns/mnt');
  const ipc = open('ns/ipc');
  program.call('setns', [ipc, CLONE_NEWIPC], `enter the IPC namespace of ${name}`);
  program.close(ipc);
  program.close(holder);
  program.call('setns', [mounts, CLONE_NEWNS], `enter the mount namespace of ${name}`);
  program.close(mounts);
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const shm = program.open('open_tree', [AT_FDCWD, '/dev/shm', flags], `take /dev/shm of ${name}`);
  program.call('setns', [home, CLONE_NEWNS], 'come back');
  program.close(home);
  program.call('mount_setattr', [shm, '', AT_EMPTY_PATH, mountAttributes(0, MS_PRIVATE), 32], 'make it private');
  return shm;
}
