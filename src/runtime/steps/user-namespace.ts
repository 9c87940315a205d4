import type { KernelFacts } from '../kernel-facts.ts';
import {
  AT_FDCWD,
  CLONE_FILES,
  CLONE_NEWUSER,
  CLONE_VFORK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  SIGCHLD,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { ID_COUNT } from '../user-namespace.ts';
import { setCapabilities } from './process.ts';

/** The container's user namespace while the launcher is still outside. */
export interface UserNamespace {
  readonly file: number;
  /** The host's id of user and group 0. */
  readonly base: number;
}

/**
 * A user namespace with its map, held by a descriptor only. It is made by a child that ends at once: until it is
 * reaped, its directory in /proc is there, and the namespace behind it can be mapped and opened (the credentials of a
 * process live as long as its pid). CLONE_VFORK: the launcher goes on when the child has ended; CLONE_FILES: what the
 * child opens is open here.
 */
export function makeUserNamespace(program: Program, base: number): UserNamespace {
  const flags = CLONE_NEWUSER | CLONE_VFORK | CLONE_FILES | SIGCHLD;
  program.call('clone', [flags, 0, 0, 0, 0], 'make a user namespace, with a child in it', { parentSkips: 2 });
  const child = program.open('openat', [AT_FDCWD, '/proc/self', O_PATH, 0], 'open the directory of the child in /proc');
  program.call('exit_group', [0], 'end the child');
  const map = `0 ${base} ${ID_COUNT}`;
  for (const name of ['uid_map', 'gid_map']) {
    const file = program.open('openat', [child, name, O_WRONLY, 0], `open ${name} of the user namespace`);
    program.call('write', [file, map, map.length], `set ${name} to "${map}"`);
    program.close(file);
  }
  const file = program.open('openat', [child, 'ns/user', O_RDONLY, 0], 'open the user namespace');
  program.close(child);
  program.call('wait4', [-1, 0, 0, 0], 'reap the child');
  return { file, base };
}

/**
 * From here on files belong to the container's root: what an id-mapped layer has no id for cannot be made (EOVERFLOW),
 * and an overlay remembers who mounted it and acts as him in its layers. Only the ids that count for files change, so
 * the capabilities, which the kernel takes away with them, can be taken back (capabilities(7), "Effect of user ID
 * changes").
 */
export function actAsContainerRoot(program: Program, { base }: UserNamespace, kernel: KernelFacts): void {
  program.call('setfsgid', [base], `make files as group ${base}`);
  program.call('setfsuid', [base], `make files as user ${base}`);
  setCapabilities(program, BigInt(`0x${kernel.boundingSet}`));
}
