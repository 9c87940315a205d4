import { setImmediate as turn } from 'node:timers/promises';
import { TsstackError } from '../../model/error.ts';
import { DirectoryTree } from '../context/scan.ts';
import { joinPath, shownPath, type TreeEntry } from '../context/tree.ts';
import type { LayerEntry } from './layer-entry.ts';
import { readXattrs, type Xattrs } from './read-xattrs.ts';

/** What overlayfs notes for itself (Documentation/filesystems/overlayfs.rst, fs/overlayfs/overlayfs.h). */
const OVERLAY = /^(?:trusted|user)\.overlay\./;
/** The file's data is elsewhere: what lies in the upper directory is not all of it. */
const ELSEWHERE = new Set(['redirect', 'metacopy', 'verity']);
const NOTHING: Xattrs = new Map();

export interface UpperOptions {
  /** The host's id of user 0 of whoever wrote it. */
  readonly idBase: number;
  readonly signal: AbortSignal;
}

/**
 * The changes in an overlay's upper directory as entries of a layer, sorted. The directory must not be mounted any more,
 * or not written to. The root itself is no entry, as in other builders; sockets are left out. Throws `build-failed` for
 * what is not wholly in there (mount with `redirect_dir=off,metacopy=off`), `missing-tool` without getfattr.
 */
export async function upperChanges(upper: string, { idBase, signal }: UpperOptions): Promise<readonly LayerEntry[]> {
  const tree = new DirectoryTree(upper, { asRoot: false });
  const xattrs = await readXattrs(upper, signal);
  const root = tree.entry('');
  const entries: LayerEntry[] = root !== undefined && isOpaque(xattrs.get('') ?? NOTHING) ? [mark(root, 'opaque')] : [];
  const directories = [''];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    if (signal.aborted) throw new TsstackError('cancelled', 'reading the changes of a step was cancelled');
    for (const name of tree.children(directory)) {
      const entry = tree.entry(joinPath(directory, name));
      if (entry === undefined || entry.type === 'socket') continue;
      entries.push(...changesAt(entry, { tree, xattrs: xattrs.get(entry.path) ?? NOTHING, idBase }));
      if (entry.type === 'directory') directories.push(entry.path);
    }
    await turn();
  }
  return withLinks(entries.sort(byPath), tree);
}

interface At {
  readonly tree: DirectoryTree;
  readonly xattrs: Xattrs;
  readonly idBase: number;
}

function changesAt(entry: TreeEntry, { tree, xattrs, idBase }: At): readonly LayerEntry[] {
  const { type } = entry;
  const isWhiteout = type === 'char' && entry.deviceMajor === 0 && entry.deviceMinor === 0;
  if (isWhiteout || note(xattrs, 'whiteout') !== undefined) return [mark(entry, 'whiteout')];
  for (const name of xattrs.keys()) check(entry, name);
  const { identity, ...fields } = entry;
  const own: LayerEntry = {
    ...fields,
    type: type as Exclude<TreeEntry['type'], 'socket'>,
    uid: idWithin(entry, entry.uid, idBase),
    gid: idWithin(entry, entry.gid, idBase),
    xattrs: new Map([...xattrs].filter(([name]) => !OVERLAY.test(name))),
    ...(type === 'file' && { data: () => tree.read(entry) }),
  };
  return isOpaque(xattrs) ? [own, mark(entry, 'opaque')] : [own];
}

function mark(entry: TreeEntry, type: 'whiteout' | 'opaque'): LayerEntry {
  const { identity, ...fields } = entry;
  return { ...fields, type, uid: 0, gid: 0, size: 0, linkName: '', xattrs: NOTHING };
}

/** The first name of a file in the order of the archive is the file, the others are links to it. */
function withLinks(entries: readonly LayerEntry[], tree: DirectoryTree): readonly LayerEntry[] {
  const first = new Map<string, string>();
  return entries.map((entry) => {
    const identity = entry.type === 'file' ? tree.entry(entry.path)?.identity : undefined;
    if (identity === undefined) return entry;
    const file = first.get(identity);
    if (file === undefined) {
      first.set(identity, entry.path);
      return entry;
    }
    const { data, ...fields } = entry;
    return { ...fields, type: 'link', size: 0, linkName: file };
  });
}

/** `y`; a directory with whiteouts in the form of attributes has an `x`, which hides nothing. */
function isOpaque(xattrs: Xattrs): boolean {
  return note(xattrs, 'opaque')?.toString('latin1') === 'y';
}

function note(xattrs: Xattrs, name: string): Buffer | undefined {
  return xattrs.get(`trusted.overlay.${name}`) ?? xattrs.get(`user.overlay.${name}`);
}

function check({ path }: TreeEntry, attribute: string): void {
  if (!OVERLAY.test(attribute)) return;
  const name = attribute.replace(OVERLAY, '');
  if (name.startsWith('overlay.')) {
    throw new TsstackError(
      'build-failed',
      `${shownPath(path)} belongs to an overlay that was mounted within the step`,
      {
        hint: 'Remove what such a mount leaves before the step ends',
      },
    );
  }
  if (!ELSEWHERE.has(name)) return;
  throw new TsstackError(
    'build-failed',
    `${shownPath(path)} is not wholly in its upper directory (overlayfs ${name})`,
    {
      hint: 'The overlay must be mounted with redirect_dir=off,metacopy=off',
    },
  );
}

function idWithin({ path }: TreeEntry, id: number, idBase: number): number {
  if (id >= idBase) return id - idBase;
  throw new TsstackError('build-failed', `${shownPath(path)} belongs to ${id}, which is nobody in the container`);
}

function byPath(left: LayerEntry, right: LayerEntry): number {
  if (left.path === right.path) return 0;
  return left.path < right.path ? -1 : 1;
}
