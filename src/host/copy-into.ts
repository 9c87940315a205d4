import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { TsstackError } from '../model/error.ts';

/** Names a file without opening it: open(2), asm-generic/fcntl.h. Node has no constant for it. */
const O_PATH = 0o10000000;

/**
 * Copies a file below a container's root, seen from the host as /proc/PID/root, or removes it when `source` is absent.
 * Every directory on the way is opened from the one before and must not be a link: a link of the container's making
 * would be followed with the host's eyes (CVE-2018-15664).
 */
export function copyInto(root: string, target: string, source: string | undefined): void {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || parts.includes('..') || name === '..')
    throw new TsstackError('usage', `"${target}" is no path of a file`);
  let directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const part of parts) {
      const next = openChild(directory, part, source !== undefined);
      if (next === undefined) return;
      closeSync(directory);
      directory = next;
    }
    const path = `/proc/self/fd/${directory}/${name}`;
    if (source === undefined) rmSync(path, { force: true });
    else replaceFile(path, source);
  } finally {
    closeSync(directory);
  }
}

/** undefined: not there, and not to be made. */
function openChild(directory: number, name: string, make: boolean): number | undefined {
  const path = `/proc/self/fd/${directory}/${name}`;
  if (make) mkdirSync(path, { recursive: true });
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (!make && hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A file that is mounted or held open keeps its inode; anything else, and a program that runs, gives way to a new file. */
function replaceFile(path: string, source: string): void {
  const mode = statSync(source).mode & 0o777;
  const data = readFileSync(source);
  const descriptor =
    openPresent(path) ?? openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    writeFileSync(descriptor, data);
    fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens what is there for writing, if it is a file; what is not is removed. It is looked at before it is opened: to open
 * a pipe of the container's making would wait for a reader, and to open a device would act on the host's.
 */
function openPresent(path: string): number | undefined {
  let named: number;
  try {
    named = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    if (fstatSync(named).isFile()) return openSync(`/proc/self/fd/${named}`, constants.O_WRONLY | constants.O_TRUNC);
  } catch (error) {
    if (!hasCode(error, 'ETXTBSY')) throw error;
  } finally {
    closeSync(named);
  }
  unlinkSync(path);
  return undefined;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
