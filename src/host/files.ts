import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  type Dirent,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { FileStat } from './host.ts';
import type { Owner } from './op.ts';

export function makeDirectory(path: string, mode = 0o755): void {
  const made = mkdirSync(path, { recursive: true, mode });
  // mkdir(2) takes the umask off the mode.
  if (made !== undefined) chmodSync(path, mode);
}

/** Old content or new content, never a part: rename(2) replaces atomically. */
export function writeWholeFile(path: string, data: string | Uint8Array, mode = 0o644, owner?: Owner): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, data, { mode, flag: 'wx' });
  } catch (error) {
    // Of one who was killed in between.
    if (errorCode(error) !== 'EEXIST') throw error;
    rmSync(temporary);
    writeFileSync(temporary, data, { mode, flag: 'wx' });
  }
  // chown(2) takes set-user-ID bits off the mode.
  if (owner !== undefined) chownSync(temporary, owner.uid, owner.gid);
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

/** The same into the inode that is there, with its owner and mode; one that is not there is made. */
export function rewriteFile(path: string, data: string | Uint8Array, mode?: number, owner?: Owner): void {
  if (fileStat(path)?.type === 'file') writeFileSync(path, data, { flag: 'r+', flush: false });
  else writeWholeFile(path, data, mode, owner);
  truncateSync(path, Buffer.byteLength(data));
}

/** One write(2): a cgroup or sysctl file takes its value whole or not at all. */
export function writeInPlace(path: string, data: string, tolerateAbsent: boolean): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
  } catch (error) {
    if (tolerateAbsent && isAbsent(error)) return;
    throw error;
  }
  try {
    writeSync(descriptor, data);
  } finally {
    closeSync(descriptor);
  }
}

export interface RemoveDirectoryOptions {
  /** Directories in it first, deepest first. */
  readonly tree: boolean;
  readonly tolerateNonEmpty: boolean;
}

/** rmdir(2); the files in a cgroup's directory are the kernel's and go with it. */
export function removeEmptyDirectory(path: string, options: RemoveDirectoryOptions): void {
  // The parent of many is asked for with each of them, and to fail costs ten times as much as to look.
  if (options.tolerateNonEmpty && !options.tree && !canBeEmpty(path)) return;
  try {
    rmdirSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return;
    const isNotEmpty = code === 'ENOTEMPTY' || code === 'EBUSY';
    if (isNotEmpty && options.tree) {
      removeEmptyDirectories(path, options.tolerateNonEmpty);
      removeEmptyDirectory(path, { ...options, tree: false });
    } else if (!isNotEmpty || !options.tolerateNonEmpty) {
      throw error;
    }
  }
}

/** Each directory in it is a link to it, where a file system counts them; two are its own. */
function canBeEmpty(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.nlink <= 2;
}

/** Those that are in `path`. */
function removeEmptyDirectories(path: string, tolerateNonEmpty: boolean): void {
  for (const entry of listEntries(path)) {
    if (entry.isDirectory()) removeEmptyDirectory(`${path}/${entry.name}`, { tree: true, tolerateNonEmpty });
  }
}

function listEntries(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function readWholeFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isAbsent(error) || isOfEnded(path, error)) return undefined;
    throw error;
  }
}

export function listDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

export function readLinkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isAbsent(error) || isNowhere(error) || errorCode(error) === 'EINVAL') return undefined;
    throw error;
  }
}

export function fileStat(path: string): FileStat | undefined {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsent(error) || isNowhere(error)) return undefined;
    throw error;
  }
  if (stats === undefined) return undefined;
  return {
    type: fileType(stats),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    sizeBytes: stats.size,
    modifiedMs: stats.mtimeMs,
    device: stats.dev,
    inode: stats.ino,
    rdev: stats.rdev,
  };
}

function fileType(stats: Stats): FileStat['type'] {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return 'file';
}

function isAbsent(error: unknown): boolean {
  // ESRCH: a process that ended while its /proc file was read. ENODEV: a removed cgroup.
  return ['ENOENT', 'ENOTDIR', 'ESRCH', 'ENODEV'].includes(errorCode(error) ?? '');
}

/** fs/proc_namespace.c, mounts_open_common(): a process that has ended and was not reaped has no mounts. */
function isOfEnded(path: string, error: unknown): boolean {
  return errorCode(error) === 'EINVAL' && /^\/proc\/\d+\/mount/.test(path);
}

/** A path that cannot be: what a container makes of its links must not stop who looks. */
function isNowhere(error: unknown): boolean {
  return ['ELOOP', 'ENAMETOOLONG'].includes(errorCode(error) ?? '');
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
