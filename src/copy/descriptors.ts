import { closeSync, constants, openSync, type Stats, statfsSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { printable } from '../image/errors.ts';
import { raw } from '../image/layer/byte-fs.ts';
import { TsstackError } from '../model/error.ts';

/** Names a file without opening it: asm-generic/fcntl.h. Node has no constant for it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_RDONLY } = constants;

/**
 * File systems that are the kernel's interface and hold no files: what is read there may never end, and what is written
 * there, with our rights, changes the machine (linux/magic.h).
 */
const KERNEL_FILESYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
  [0x27e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0x1cd1, 'devpts'],
  [0x19800202, 'mqueue'],
  [0x64626720, 'debugfs'],
  [0x74726163, 'tracefs'],
  [0x73636673, 'securityfs'],
  [0x62656570, 'configfs'],
  [0xcafe4a11, 'bpf'],
  [0x6e736673, 'nsfs'],
  [0x42494e4d, 'binfmt_misc'],
  [0x6165676c, 'pstore'],
  [0xde5e81e4, 'efivarfs'],
  [0xf97cff8c, 'selinuxfs'],
  [0x43415d53, 'smackfs'],
  [0x65735543, 'fusectl'],
  [0x7655821, 'resctrl'],
]);

/** Directories within each other; each is a descriptor. PATH_MAX lets paths be a few times deeper. */
export const MAX_DEPTH = 400;

export function tooDeep(): TsstackError {
  return new TsstackError('conflict', `More than ${MAX_DEPTH} directories within each other`);
}

/** Path of an open file itself. */
export function self(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** Path of a name in an open directory: one component, so nothing before it can be a link. */
export function at(directory: number, name: string): Buffer {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new Error(`${JSON.stringify(name)} is no name of one file`);
  }
  return raw(`${self(directory)}/${name}`);
}

/** A directory in an open one, never through a link: ENOTDIR or ELOOP. Throws `conflict` in a file system of the kernel. */
export function openDirectory(directory: number, name: string): number {
  const descriptor = openSync(at(directory, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    refuseKernelFiles(descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

/** An open directory once more. */
export function openAgain(directory: number): number {
  return openSync(self(directory), O_RDONLY | O_DIRECTORY);
}

/** What is open once more, only to name it: it can be neither read nor written. */
export function openPath(descriptor: number): number {
  return openSync(self(descriptor), O_PATH);
}

/** What is at a name, without opening it, be it a link, a pipe or a device. */
export function openName(directory: number, name: string): number {
  return openSync(at(directory, name), O_PATH | O_NOFOLLOW);
}

/**
 * Opens the regular file or directory that `openName()` has found, and no other. Throws `conflict` in a file system of
 * the kernel.
 */
export function openNamed(named: number, flags: number): number {
  refuseKernelFiles(named);
  return openSync(self(named), flags | O_NONBLOCK | O_NOCTTY);
}

/** The same for one file wherever it is mounted. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** Runs `use` and closes the descriptor, whatever happens. */
export async function closing<Result>(
  descriptor: number,
  use: (descriptor: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** System errors of `body` become `command-failed`, with the path in front; Node would name a descriptor. */
export async function naming<Result>(path: readonly string[], body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    throw named(path, error);
  }
}

export function named(path: readonly string[], error: unknown): unknown {
  const where = printable(path.length === 0 ? '.' : path.join('/'));
  if (error instanceof TsstackError) {
    if (error.message.startsWith('"')) return error;
    return new TsstackError(error.code, `${where}: ${error.message}`, { hint: error.hint, cause: error.cause });
  }
  if (!(error instanceof Error && 'errno' in error && typeof error.errno === 'number')) return error;
  return new TsstackError('command-failed', `${where}: ${getSystemErrorMessage(error.errno)}`, { cause: error });
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function refuseKernelFiles(descriptor: number): void {
  const filesystem = KERNEL_FILESYSTEMS.get(statfsSync(self(descriptor)).type);
  if (filesystem === undefined) return;
  throw new TsstackError(
    'conflict',
    `This lies on a file system of the kernel's own (${filesystem}), which has no files to copy`,
    {
      hint: 'Read it inside: tsstack exec SERVICE cat PATH',
    },
  );
}
