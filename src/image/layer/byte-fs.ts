import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import type { EntryKind } from '../overlay-view.ts';

/**
 * File names are bytes. Inside the unpacker a path is a byte string, one character a byte (latin1), so that it can be
 * cut and compared as text; this is the way to and from the file system.
 */
export function raw(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** A path as the rest of the program has it, as a byte string. */
export function byteString(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

/** undefined: nothing there. */
export function lstatBytes(path: string): Stats | undefined {
  return lstatSync(raw(path), { throwIfNoEntry: false });
}

export function readDirectoryBytes(path: string): readonly string[] {
  return readdirSync(raw(path), { encoding: 'buffer' }).map((name) => name.toString('latin1'));
}

export function readLinkBytes(path: string): string {
  return readlinkSync(raw(path), 'buffer').toString('latin1');
}

/** A whiteout is overlayfs's: a character device 0:0 (Documentation/filesystems/overlayfs.rst). */
export function kindOf(path: string): EntryKind | undefined {
  const stats = lstatBytes(path);
  if (stats === undefined) return undefined;
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  return stats.isCharacterDevice() && stats.rdev === 0 ? 'whiteout' : 'other';
}
