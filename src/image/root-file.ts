import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import type { FileStat, Host } from '../host/host.ts';
import type { RootFilesystem } from '../model/image.ts';
import { type EntryKind, OverlayView } from './overlay-view.ts';

const MAX_BYTES = 2 ** 20;
/** The kernel's own limit on links in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/** Name of the directory below a container's `layers` that holds one overlay's `upper` and `work`: `root`, `usr-local`. */
export function overlayName(target: string): string {
  return target === '/' ? 'root' : target.slice(1).replaceAll('/', '-');
}

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
  const views = viewsOf(host, rootfs, layersDirectory);
  const realPath = resolve(host, views, path);
  return realPath === undefined ? undefined : readBounded(realPath);
}

interface MountedView {
  readonly target: string;
  readonly view: OverlayView;
}

function viewsOf(host: Host, rootfs: RootFilesystem, layersDirectory: string): readonly MountedView[] {
  const kindOf = (path: string): EntryKind | undefined => kind(host.stat(path));
  return [{ target: '/', lower: rootfs.lower }, ...rootfs.overlays]
    .map(({ target, lower }) => ({
      target,
      view: new OverlayView(canonical([`${layersDirectory}/${overlayName(target)}/upper`, ...lower]), kindOf),
    }))
    .sort((left, right) => right.target.length - left.target.length);
}

/** Without links in front of them, so that an opened file can be told by its path; those that are there. */
function canonical(directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) => {
    try {
      return [realpathSync(directory)];
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

function resolve(host: Host, views: readonly MountedView[], path: string): string | undefined {
  const pending = path.split('/');
  let at = '/';
  for (let links = 0; pending.length > 0; ) {
    const name = pending.shift();
    if (name === undefined || name === '' || name === '.') continue;
    const next = posix.join(at, name);
    const entry = lookup(views, next);
    if (entry?.kind === 'symlink') {
      links += 1;
      const target = host.readLink(entry.realPath);
      if (links > MAX_LINKS || target === undefined) return undefined;
      pending.unshift(...target.split('/'));
      if (target.startsWith('/')) at = '/';
      continue;
    }
    if (entry === undefined) return undefined;
    if (entry.kind === 'file') return pending.every((rest) => rest === '') ? entry.realPath : undefined;
    if (entry.kind !== 'directory') return undefined;
    at = next;
  }
  return undefined;
}

function lookup(views: readonly MountedView[], path: string): ReturnType<OverlayView['entry']> {
  if (path === '/') return { kind: 'directory', realPath: '/' };
  for (const { target, view } of views) {
    if (path === target) return { kind: 'directory', realPath: path };
    if (target === '/') return view.entry(path.slice(1));
    if (path.startsWith(`${target}/`)) return view.entry(path.slice(target.length + 1));
  }
  return undefined;
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
