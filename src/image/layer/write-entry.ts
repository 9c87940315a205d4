import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import type { Host } from '../../host/host.ts';
import { inUserNamespace } from '../../host/user-namespace.ts';
import { imageInvalid, printable } from '../errors.ts';
import { PATH_BYTES } from '../limits.ts';
import type { TarEntry, TarReader } from '../tar/tar-reader.ts';
import { lstatBytes, raw } from './byte-fs.ts';
import { splitName } from './entry-path.ts';
import { type LayerTree, parentOf } from './layer-tree.ts';

const CHUNK = 1 << 20;
/** Times that every file system holds: the epoch to 2106. */
const MAX_TIME = 2 ** 32 - 1;

/** A directory; one that is there already gets new attributes and keeps what is in it. Its time is set at the end. */
export function writeDirectory(tree: LayerTree, path: string, entry: TarEntry): void {
  const real = raw(tree.real(path));
  if (lstatBytes(tree.real(path))?.isDirectory() !== true) {
    tree.clear(path);
    mkdirSync(real, 0o755);
  }
  setOwnerAndMode(real, entry);
}

/** A regular file that is new for certain: what was there has been unlinked, not written through. */
export async function writeFile(tree: LayerTree, path: string, entry: TarEntry, reader: TarReader): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const fd = openSync(raw(tree.real(path)), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  try {
    for (const { offset, length } of entry.segments) {
      for (let at = offset; at < offset + length; ) {
        const piece = await reader.data(Math.min(CHUNK, offset + length - at));
        if (piece === undefined) throw imageInvalid('the file has less data than it says');
        for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done, piece.length - done, at + done);
        at += piece.length;
      }
    }
    ftruncateSync(fd, entry.size);
    fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode & 0o7777);
    futimesSync(fd, clampTime(entry.mtime), clampTime(entry.mtime));
  } finally {
    closeSync(fd);
  }
}

export function writeSymlink(tree: LayerTree, path: string, entry: TarEntry): void {
  if (entry.linkName === '' || entry.linkName.includes('\0') || entry.linkName.length > PATH_BYTES) {
    throw imageInvalid('a symbolic link to an impossible name');
  }
  const real = raw(tree.real(path));
  symlinkSync(raw(entry.linkName), real);
  lchownSync(real, entry.uid, entry.gid);
  lutimesSync(real, clampTime(entry.mtime), clampTime(entry.mtime));
}

/**
 * To what this layer or one below has, and is no directory. A link to a link is a second name of the link. The file of a
 * layer below is shared with it: nobody writes to a layer that is there, and what is unpacked is unlinked, not written to.
 */
export function writeHardLink(tree: LayerTree, path: string, entry: TarEntry): void {
  const target = tree.resolve(splitName(entry.linkName));
  const found = tree.entry(target);
  if (found === undefined) throw imageInvalid(`a hard link to ${printable(entry.linkName)}, which is not there`);
  if (found.kind === 'directory') throw imageInvalid(`a hard link to the directory ${printable(entry.linkName)}`);
  if (target === path) throw imageInvalid('a hard link to itself');
  tree.clear(path);
  tree.ensureDirectory(parentOf(path));
  linkSync(raw(found.realPath), raw(tree.real(path)));
}

/** Made by mknod(1) under a plain name in `staging`, then moved: an argument list cannot carry every name. */
export async function writeNode(
  tree: LayerTree,
  path: string,
  entry: TarEntry,
  made: { readonly host: Host; readonly staging: string },
): Promise<void> {
  const { host, staging } = made;
  if (entry.type === 'char' && entry.deviceMajor === 0 && entry.deviceMinor === 0) {
    throw imageInvalid('a device 0:0, which overlayfs would take for a whiteout');
  }
  // There no device can be made, and none that is there be opened: containers have those of the launcher.
  if (entry.type !== 'fifo' && inUserNamespace(host)) return;
  const node = `${staging}/node`;
  const numbers = entry.type === 'fifo' ? [] : [`${entry.deviceMajor}`, `${entry.deviceMinor}`];
  const letter = { fifo: 'p', char: 'c', block: 'b' }[entry.type as 'fifo' | 'char' | 'block'];
  await host.perform([{ op: 'run', argv: ['mknod', node, letter, ...numbers] }]);
  const real = raw(tree.real(path));
  renameSync(node, real);
  setOwnerAndMode(real, entry);
  lutimesSync(real, clampTime(entry.mtime), clampTime(entry.mtime));
}

/** Owner first: changing it clears the set-user-ID bits. Not for links, whose target it would change. */
function setOwnerAndMode(real: Buffer, entry: TarEntry): void {
  lchownSync(real, entry.uid, entry.gid);
  chmodSync(real, entry.mode & 0o7777);
}

/** Seconds; negative and far-future times are brought into range. */
export function clampTime(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MAX_TIME);
}
