import { posix } from 'node:path';
import { TsstackError } from '../../model/error.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTDIR,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_RELATIME,
  MS_STRICTATIME,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  S_IFREG,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';

/** A copy of a mount of the host, to be put somewhere into the container. */
export interface Bind {
  /** Absolute host path. */
  readonly source: string;
  /** Path inside `source`, in which no link may lead out of it. */
  readonly subpath?: string | undefined;
  /** With the mounts below it. */
  readonly recursive: boolean;
  /** MOUNT_ATTR_* to set. */
  readonly attributes: number;
  readonly propagation: 'private' | 'slave' | 'shared';
  /** Descriptor of the user namespace whose ids the mount shows. */
  readonly idmap?: number | undefined;
}

/**
 * open_tree(2): the mount is held by a descriptor and has no place yet. Done while the host's paths are still there;
 * where it will go is looked up later, inside the container's root.
 */
export function openBind(program: Program, bind: Bind): number {
  const { source, subpath, recursive, attributes, propagation } = bind;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  const tree =
    subpath === undefined
      ? program.open('open_tree', [AT_FDCWD, source, flags], `take ${source}`)
      : openSubpath(program, { source, subpath, flags });
  // Whatever is not said to be shared was made a slave with everything else.
  const propagations = { private: MS_PRIVATE, slave: 0, shared: 0 };
  if (attributes !== 0 || propagation === 'private') {
    const words = `make ${source} ${[propagation, ...attributeWords(attributes)].join(',')}`;
    program.call(
      'mount_setattr',
      [tree, '', AT_EMPTY_PATH | AT_RECURSIVE, mountAttributes(attributes, propagations[propagation]), 32],
      words,
    );
  }
  if (bind.idmap !== undefined) mapIds(program, tree, bind.idmap, { source, recursive });
  return tree;
}

/**
 * What user 0 owns on disk is the namespace's root's on this mount, and the other way round (mount_setattr(2),
 * "ID-mapped mounts"). Only as long as the mount has no place; EINVAL when one of its file systems cannot do it.
 */
export function mapIds(
  program: Program,
  tree: number,
  userNamespace: number,
  { source, recursive }: { readonly source: string; readonly recursive: boolean },
): void {
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  const attributes = mountAttributes(MOUNT_ATTR_IDMAP, 0, userNamespace);
  const words = `map the ids of ${source}, which every file system on it must be able to`;
  program.call('mount_setattr', [tree, '', flags, attributes, 32], words);
}

/** Holds what lies at a path inside `source`, in which no link leads out of it. */
export function openSubpath(
  program: Program,
  { source, subpath, flags }: { source: string; subpath: string; flags: number },
): number {
  const base = program.open('openat', [AT_FDCWD, source, O_PATH, 0], `open ${source}`);
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
  const inner = program.open('openat2', [base, subpath, how, 24], `open ${subpath} inside ${source}`);
  const tree = program.open('open_tree', [inner, '', flags | AT_EMPTY_PATH], `take ${subpath} of ${source}`);
  program.close(inner);
  program.close(base);
  return tree;
}

/** `struct mount_attr` of mount_setattr(2). */
export function mountAttributes(set: number, propagation = 0, userNamespace = 0): Uint8Array {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt(set), 0);
  bytes.writeBigUInt64LE(BigInt(propagation), 16);
  bytes.writeBigUInt64LE(BigInt(userNamespace), 24);
  return bytes;
}

function attributeWords(attributes: number): readonly string[] {
  const names: readonly (readonly [number, string])[] = [
    [MOUNT_ATTR_RDONLY, 'ro'],
    [MOUNT_ATTR_NOSUID, 'nosuid'],
    [MOUNT_ATTR_NODEV, 'nodev'],
    [MOUNT_ATTR_NOEXEC, 'noexec'],
  ];
  return names.filter(([bit]) => (attributes & bit) !== 0).map(([, name]) => name);
}

/** Put a taken mount in its place and close its descriptor. `follow`: the last part of the path may be a link. */
export function attachBind(program: Program, tree: number, target: string, options: { follow: boolean }): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | (options.follow ? MOVE_MOUNT_T_SYMLINKS : 0);
  program.call('move_mount', [tree, '', AT_FDCWD, target, flags], `mount it on ${target}`);
  program.close(tree);
}

/**
 * A mount point and the directories above it, made where they are missing. Call it after the root has changed: what the
 * image has in the way is then looked up inside the container.
 */
export function makeMountPoint(program: Program, target: string, type: 'file' | 'directory'): void {
  const directories = type === 'directory' ? target : posix.dirname(target);
  makeDirectories(program, directories);
  if (type === 'directory') return;
  program.call('mknodat', [AT_FDCWD, target, S_IFREG | 0o644, 0], `make an empty file ${target}`, {
    tolerate: [EEXIST],
  });
}

/** mkdir -p */
export function makeDirectories(program: Program, path: string): void {
  const parts = path.split('/').filter((part) => part !== '');
  for (const [index] of parts.entries()) {
    const prefix = `/${parts.slice(0, index + 1).join('/')}`;
    program.call('mkdirat', [AT_FDCWD, prefix, 0o755], `make directory ${prefix}`, { tolerate: [EEXIST] });
  }
}

/** What an image has as a link where a directory or file of ours must be is removed, in the container's own layer. */
export function removeLink(program: Program, path: string): void {
  program.call('readlinkat', [AT_FDCWD, path, { scratch: true }, 1], `see whether ${path} is a link`, {
    tolerate: [EINVAL, ENOENT, ENOTDIR],
    skip: 1,
  });
  program.call('unlinkat', [AT_FDCWD, path, 0], `remove the link ${path}`);
}

/** An absolute path without `.` and `..`, as seen from the container's root. Throws `launch-failed` for `/`. */
export function normalizeTarget(target: string): string {
  const path = posix.normalize(`/${target}`).replace(/\/+$/, '');
  if (path === '') {
    throw new TsstackError('launch-failed', 'Nothing can be mounted on / of a container', {
      hint: 'Use x-rootfs for a root filesystem.',
    });
  }
  return path;
}

/** Options of mount(8) that are flags of mount(2): what they set and what they clear. */
const FLAG_OPTIONS: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [MS_RDONLY, 0],
  rw: [0, MS_RDONLY],
  nosuid: [MS_NOSUID, 0],
  suid: [0, MS_NOSUID],
  nodev: [MS_NODEV, 0],
  dev: [0, MS_NODEV],
  noexec: [MS_NOEXEC, 0],
  exec: [0, MS_NOEXEC],
  noatime: [MS_NOATIME, 0],
  nodiratime: [MS_NODIRATIME, 0],
  relatime: [MS_RELATIME, 0],
  strictatime: [MS_STRICTATIME, 0],
};

/** Splits mount(8)'s options into flags and the file system's own, beginning with `flags`. */
export function mountOptions(text: string, flags: number): { readonly flags: number; readonly data: string } {
  let result = flags;
  const data: string[] = [];
  for (const option of text.split(',').filter((each) => each !== '' && each !== 'defaults')) {
    const known = Object.hasOwn(FLAG_OPTIONS, option) ? FLAG_OPTIONS[option] : undefined;
    if (known === undefined) data.push(option);
    else result = (result | known[0]) & ~known[1];
  }
  return { flags: result, data: data.join(',') };
}

/** A file system without a source. */
export interface Mount {
  readonly type: string;
  readonly target: string;
  readonly flags: number;
  readonly data?: string;
}

export function mountFilesystem(program: Program, { type, target, flags, data = '' }: Mount): void {
  const words = `mount ${type} on ${target}${describe(flags, data)}`;
  program.call('mount', [type, target, type, flags, data === '' ? 0 : data], words);
}

function describe(flags: number, data: string): string {
  const names = Object.entries(FLAG_OPTIONS)
    .filter(([, [set]]) => set !== 0 && (flags & set) !== 0)
    .map(([name]) => name);
  const all = [...names, ...(data === '' ? [] : [data])];
  return all.length === 0 ? '' : ` (${all.join(',')})`;
}

/** Everything of the host's mounts that we have a copy of, cut loose so that nothing we do is seen outside. */
export function stopPropagation(program: Program, flags: number): void {
  program.call('mount', [0, '/', 0, flags, 0], 'take no mount back to the host');
}
