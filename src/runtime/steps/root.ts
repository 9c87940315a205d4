import { TsstackError } from '../../model/error.ts';
import type { RootFilesystem } from '../../model/image.ts';
import { type ContainerPaths, overlayName } from '../../store/paths.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOSUID,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { attachBind, makeMountPoint, mountAttributes, openBind, removeLink } from './mount.ts';
import type { MountPolicy } from './volumes.ts';

/** One overlay with its writable part. */
interface Overlay {
  /** Where it goes in the container. */
  readonly target: string;
  readonly lower: readonly string[];
  /** Directory of `upper` and `work`. */
  readonly writable: string;
}

const UPPER = 'upper';
const WORK = 'work';

/** An overlay that is mounted and has no place yet. */
export interface TakenOverlay {
  readonly target: string;
  readonly tree: number;
}

function rootOverlay(rootfs: RootFilesystem, paths: ContainerPaths): Overlay {
  return overlay('/', rootfs.lower, paths);
}

function furtherOverlays(rootfs: RootFilesystem, paths: ContainerPaths): readonly Overlay[] {
  return rootfs.overlays.map(({ target, lower }) => overlay(target, lower, paths));
}

function overlay(target: string, lower: readonly string[], paths: ContainerPaths): Overlay {
  return { target, lower, writable: `${paths.layers}/${overlayName(target)}` };
}

/** What a container has written, by overlay: `upper` over `lower` (top first), to be seen at `target`. */
export function writableOverlays(
  rootfs: RootFilesystem,
  paths: ContainerPaths,
): readonly { readonly target: string; readonly lower: readonly string[]; readonly upper: string }[] {
  return [rootOverlay(rootfs, paths), ...furtherOverlays(rootfs, paths)].map(({ target, lower, writable }) => ({
    target,
    lower,
    upper: `${writable}/${UPPER}`,
  }));
}

/** The writable directories of a container's overlays. */
export function overlayDirectories(rootfs: RootFilesystem, paths: ContainerPaths): readonly string[] {
  return [rootOverlay(rootfs, paths), ...furtherOverlays(rootfs, paths)].flatMap(({ writable }) => [
    `${writable}/${UPPER}`,
    `${writable}/${WORK}`,
  ]);
}

/**
 * Mounts the overlays over the container's layers directory, in a mount namespace that is the container's own already,
 * and takes the further ones away again as descriptors; the root stays there.
 */
export function mountOverlays(
  program: Program,
  rootfs: RootFilesystem,
  { paths, nodev, nosuid, idmap, userNamespace }: MountPolicy & { readonly paths: ContainerPaths },
): readonly TakenOverlay[] {
  const flags = (nodev ? MS_NODEV : 0) | (nosuid ? MS_NOSUID : 0);
  const place = { directory: paths.layers, flags, idmap, userNamespace, nodev, nosuid };
  const bound = userNamespace === true ? boundDirectories(rootfs) : [];
  const taken = furtherOverlays(rootfs, paths)
    .filter(({ target }) => !bound.some((directory) => target.startsWith(`${directory}/`)))
    .map((each) => {
      if (bound.includes(each.target)) return { target: each.target, tree: takeAsItIs(program, each, place) };
      mountOverlay(program, each, place);
      const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
      const tree = program.open('open_tree', [AT_FDCWD, paths.layers, flags], `take the overlay of ${each.target}`);
      program.call('umount2', [paths.layers, MNT_DETACH], `unmount ${paths.layers}`);
      return { target: each.target, tree };
    });
  mountOverlay(program, rootOverlay(rootfs, paths), place);
  return taken;
}

/**
 * The machine's directories with mounts below them. In a user namespace those mounts are locked (mount_namespaces(7)), and
 * the kernel makes no overlay of a directory of which they cover a part, as it would show what they cover.
 */
function boundDirectories({ overlays }: RootFilesystem): readonly string[] {
  return overlays.filter(({ holdsMounts }) => holdsMounts === true).map(({ target }) => target);
}

/** With all mounts below it, for reading. */
function takeAsItIs(
  program: Program,
  { lower: [source = '/'] }: Overlay,
  { nodev, nosuid }: Pick<MountPolicy, 'nodev' | 'nosuid'>,
): number {
  const attributes = MOUNT_ATTR_RDONLY | (nodev ? MOUNT_ATTR_NODEV : 0) | (nosuid ? MOUNT_ATTR_NOSUID : 0);
  return openBind(program, { source, recursive: true, attributes, propagation: 'private' });
}

/**
 * mount(2) takes one page of options, which the paths of a few dozen layers fill. So the layers are opened first, and
 * named by their descriptors' numbers, relative to /proc/self/fd: five bytes each. It also keeps the host's paths out of
 * the container's /proc/self/mountinfo.
 */
function mountOverlay(
  program: Program,
  overlay: Overlay,
  {
    directory,
    flags,
    idmap,
    userNamespace,
  }: Pick<MountPolicy, 'idmap' | 'userNamespace'> & { readonly directory: string; readonly flags: number },
): void {
  const { target, lower } = overlay;
  if (lower.length === 0) throw new TsstackError('image-invalid', `No layers for ${target} of the root filesystem`);
  const layers = idmap === undefined ? openLayers(program, overlay) : openMappedLayers(program, overlay, idmap);
  // overlayfs.rst, "User xattr": `trusted.*` is for the machine's own root alone.
  const attributes = userNamespace === true ? ',userxattr' : '';
  const data = `lowerdir=${layers.lower.join(':')},upperdir=${layers.upper},workdir=${layers.work}${attributes}`;
  program.call('chdir', ['/proc/self/fd'], 'go to /proc/self/fd, to name layers by number');
  program.call('mount', ['overlay', directory, 'overlay', flags, data], `mount the overlay of ${target} (${data})`);
  for (const descriptor of layers.all) program.close(descriptor);
}

/** Descriptors of an overlay's layers. */
interface Layers {
  readonly lower: readonly number[];
  readonly upper: number;
  readonly work: number;
  /** To be closed. */
  readonly all: readonly number[];
}

function openLayers(program: Program, overlay: Overlay): Layers {
  const open = (path: string) => program.open('openat', [AT_FDCWD, path, O_PATH, 0], `open layer ${path}`);
  const lower = overlay.lower.map(open);
  const upper = open(`${overlay.writable}/${UPPER}`);
  const work = open(`${overlay.writable}/${WORK}`);
  return { lower, upper, work, all: [...lower, upper, work] };
}

/**
 * Layers as id-mapped mounts. An overlay takes only mounts that have a place in its namespace (and upper and work from
 * one): they are put one over another, where nothing is looked up any more.
 */
function openMappedLayers(program: Program, { lower, writable }: Overlay, idmap: number): Layers {
  const mounts = [...lower, writable].map((source) =>
    openBind(program, { source, recursive: false, attributes: 0, propagation: 'private', idmap }),
  );
  for (const mount of mounts) {
    const flags = MOVE_MOUNT_F_EMPTY_PATH;
    program.call('move_mount', [mount, '', AT_FDCWD, writable, flags], `mount a layer on ${writable}`);
  }
  const [base = AT_FDCWD] = mounts.slice(-1);
  const open = (name: string) => program.open('openat', [base, name, O_PATH, 0], `open layer ${writable}/${name}`);
  const upper = open(UPPER);
  const work = open(WORK);
  return { lower: mounts.slice(0, -1), upper, work, all: [...mounts, upper, work] };
}

/** From here on `/` is the container's, and nothing of the host can be reached by a path. */
export function changeRoot(program: Program, paths: ContainerPaths): void {
  program.call('chdir', [paths.layers], `go to the new root, ${paths.layers}`);
  // pivot_root(2), "pivot_root(".", ".")": the old root is then mounted over the new one, and goes away from there.
  program.call('pivot_root', ['.', '.'], 'make it the root');
  program.call('umount2', ['.', MNT_DETACH], 'let the old root go');
  program.call('chdir', ['/'], 'go to /');
}

export function attachOverlays(program: Program, taken: readonly TakenOverlay[]): void {
  for (const { target, tree } of taken) {
    removeLink(program, target);
    makeMountPoint(program, target, 'directory');
    attachBind(program, tree, target, { follow: false });
  }
}

/** `read_only: true`, after every mount point has been made. Volumes and tmpfs mounts are mounts of their own. */
export function makeRootReadOnly(program: Program, taken: readonly TakenOverlay[]): void {
  for (const target of ['/', ...taken.map((each) => each.target)]) {
    program.call(
      'mount_setattr',
      [AT_FDCWD, target, 0, mountAttributes(MOUNT_ATTR_RDONLY), 32],
      `make ${target} read-only`,
    );
  }
}
