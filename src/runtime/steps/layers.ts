import type { ResolvedMount } from '../config.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_RDONLY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { openBind, openSubpath } from './mount.ts';

type LayersMount = Extract<ResolvedMount, { readonly type: 'layers' }>;

/**
 * Layers of an image as one overlay without a writable part, held by a descriptor. They are mounted on a directory of the
 * container, in a mount namespace that is its own already, and taken away from there. Their numbers are in the options
 * instead of their paths, as for the root.
 */
export function takeLayers(
  program: Program,
  { lower, place, subpath, target }: LayersMount,
  { nodev, idmap }: { readonly nodev: boolean; readonly idmap: number | undefined },
): number {
  const layers = lower.map((path) =>
    idmap === undefined
      ? program.open('openat', [AT_FDCWD, path, O_PATH, 0], `open layer ${path}`)
      : openBind(program, { source: path, recursive: false, attributes: 0, propagation: 'private', idmap }),
  );
  // An overlay takes only mounts that have a place in its namespace; it keeps copies of them.
  const placed = idmap === undefined ? [] : layers;
  for (const layer of placed) {
    const words = `mount a layer on ${place}`;
    program.call('move_mount', [layer, '', AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH], words);
  }
  const data = `lowerdir=${layers.join(':')}`;
  const flags = MS_RDONLY | (nodev ? MS_NODEV : 0);
  program.call('chdir', ['/proc/self/fd'], 'go to /proc/self/fd, to name layers by number');
  program.call('mount', ['overlay', place, 'overlay', flags, data], `mount the image of ${target} (ro,${data})`);
  for (const layer of layers) program.close(layer);
  const take = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const tree =
    subpath === undefined
      ? program.open('open_tree', [AT_FDCWD, place, take], `take the image of ${target}`)
      : openSubpath(program, { source: place, subpath, flags: take });
  for (const _ of [undefined, ...placed]) program.call('umount2', [place, MNT_DETACH], `unmount ${place}`);
  return tree;
}
