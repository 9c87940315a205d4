import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileStat, Host } from '../host/host.ts';
import type { RootFilesystem } from '../model/image.ts';
import { overlayName } from '../store/paths.ts';
import { type EntryKind, OverlayView } from './overlay-view.ts';

const MAX_BYTES = 2 ** 20;
/** The kernel's own limit on links in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * A small text file of a root filesystem (/etc/passwd), looked up through `upper` and the lower directories with
 * whiteouts, never following a link out of them. undefined when it is not there, no regular file, or over 1 MiB.
 * A directory that a container has removed and made anew shows its lower files still: only a process could read the
 * attribute that hides them.
 */
export function readRootFile(
  host: Host,
  rootfs: RootFilesystem,
  layersDirectory: string,
  path: string,
): string | undefined {
  const found = resolve(host, viewsOf(host, rootfs, layersDirectory), path);
  return found?.entry.kind === 'file' ? readBounded(found.entry.realPath) : undefined;
}

/**
 * The real directories of an image that are merged at `path`, top first, links followed inside the root only; empty
 * when there is none. What a new volume there is filled with.
 */
export function imageDirectories(host: Host, rootfs: RootFilesystem, path: string): readonly string[] {
  const views = viewsOf(host, rootfs, undefined);
  const found = resolve(host, views, path);
  if (found?.entry.kind !== 'directory') return [];
  const { target, view } = covering(views, found.path);
  return view.directories(target === '/' ? found.path.slice(1) : found.path.slice(target.length + 1));
}

interface MountedView {
  readonly target: string;
  readonly view: OverlayView;
}

/** `layersDirectory` undefined: without upper directories. Innermost first. */
function viewsOf(host: Host, rootfs: RootFilesystem, layersDirectory: string | undefined): readonly MountedView[] {
  const kindOf = (path: string): EntryKind | undefined => kind(host.stat(path));
  const upper = (target: string): readonly string[] =>
    layersDirectory === undefined ? [] : [`${layersDirectory}/${overlayName(target)}/upper`];
  return [{ target: '/', lower: rootfs.lower }, ...rootfs.overlays]
    .map(({ target, lower }) => ({
      target,
      view: new OverlayView(canonical([...upper(target), ...lower]), kindOf),
    }))
    .sort((left, right) => right.target.length - left.target.length);
}

/** Without links in front of them, so that an opened file can be told by its path; those that are there. */
function canonical(directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) => {
    try {
      return [realpathSync.native(directory)];
    } catch {
      return [];
    }
  });
}

/** A character device is never a text file, so there is no need to tell whiteouts (0:0) from the others. */
function kind(stat: FileStat | undefined): EntryKind | undefined {
  if (stat === undefined) return undefined;
  if (stat.type === 'file' || stat.type === 'directory' || stat.type === 'symlink') return stat.type;
  return stat.type === 'char' ? 'whiteout' : 'other';
}

interface Found {
  /** In the container, without links. */
  readonly path: string;
  readonly entry: { readonly kind: EntryKind; readonly realPath: string };
}

function resolve(host: Host, views: readonly MountedView[], path: string): Found | undefined {
  const pending = path.split('/');
  let found: Found | undefined = { path: '/', entry: { kind: 'directory', realPath: '/' } };
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '' || name === '.') continue;
    if (found.entry.kind !== 'directory') return undefined;
    const next = posix.join(found.path, name);
    const entry = lookup(views, next);
    if (entry === undefined) return undefined;
    if (entry.kind !== 'symlink') {
      found = { path: next, entry };
      continue;
    }
    const target = host.readLink(entry.realPath);
    links += 1;
    if (links > MAX_LINKS || target === undefined) return undefined;
    if (target.startsWith('/')) found = { path: '/', entry: { kind: 'directory', realPath: '/' } };
    pending.unshift(...target.split('/'));
  }
  return found;
}

function lookup(views: readonly MountedView[], path: string): Found['entry'] | undefined {
  const { target, view } = covering(views, path);
  if (path === target) return { kind: 'directory', realPath: path };
  return view.entry(target === '/' ? path.slice(1) : path.slice(target.length + 1));
}

/** The innermost overlay that a path lies in. */
function covering(views: readonly MountedView[], path: string): MountedView {
  const inside = ({ target }: MountedView): boolean => path === target || path.startsWith(`${target}/`);
  const found = views.find(inside) ?? views.at(-1);
  if (found === undefined) throw new Error('a root filesystem without a root');
  return found;
}

/**
 * The container may be running and swap what was just looked at: no waiting on a FIFO, no link at the end, and the
 * opened file is where it was found, not behind a directory that has become a link.
 */
function readBounded(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > MAX_BYTES) return undefined;
    if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return undefined;
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
