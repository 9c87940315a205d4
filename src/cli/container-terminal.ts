import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { TsstackError } from '../model/error.ts';

/** Names a file without opening it: asm-generic/fcntl.h. Node has no constant for it. */
const O_PATH = 0o10000000;
/** linux/magic.h */
const DEVPTS_SUPER_MAGIC = 0x1cd1;
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;

/**
 * Opens a terminal below a process's root, such as `/proc/1/root/dev/pts/0`, for reading and writing; it does not become
 * ours. No link below that root is followed, and nothing is opened that is not of a devpts file system: what is in there
 * is the container's, and would be looked up with the host's eyes. Throws `conflict`, or the system's error.
 */
export function openTerminal(path: string): number {
  const [, root = '/', below = ''] = /^(\/proc\/[^/]+\/root\/)?\/?(.*)$/s.exec(path) ?? [];
  const parts = below.split('/');
  let at = openSync(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const [index, part] of parts.entries()) {
      const flags = index === parts.length - 1 ? O_PATH : O_RDONLY | O_DIRECTORY;
      const next = openSync(`/proc/self/fd/${at}/${part}`, flags | O_NOFOLLOW);
      closeSync(at);
      at = next;
    }
    const file = `/proc/self/fd/${at}`;
    if (statfsSync(file).type === DEVPTS_SUPER_MAGIC) return openSync(file, O_RDWR | O_NOCTTY);
  } finally {
    closeSync(at);
  }
  throw new TsstackError('conflict', `${path} is no terminal: the container has put something in its place`);
}
