import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { TsstackError } from '../model/error.ts';

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

function openChild(directory: number, name: string, make: boolean): number {
  const path = `/proc/self/fd/${directory}/${name}`;
  if (make) mkdirSync(path, { recursive: true });
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** A file that is mounted or held open keeps its inode; a link is replaced by the file. */
function replaceFile(path: string, source: string): void {
  const mode = statSync(source).mode & 0o777;
  let descriptor: number;
  try {
    descriptor = openSync(
      path,
      constants.O_WRONLY | constants.O_TRUNC | constants.O_CREAT | constants.O_NOFOLLOW,
      mode,
    );
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ELOOP')) throw error;
    unlinkSync(path);
    copyFileSync(source, path, constants.COPYFILE_EXCL);
    return;
  }
  try {
    writeFileSync(descriptor, readFileSync(source));
    fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
}
