import type { Chmod } from '../context/chmod.ts';
import type { Copied } from '../context/placement.ts';
import type { ReadableTree } from '../context/tree.ts';
import { type LayerEntry, PLAIN } from './layer-entry.ts';
import type { Xattrs } from './read-xattrs.ts';

export interface CopiedOptions {
  /** `--chown`, as ids of the image; absent: as the tree has them. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly chmod?: Chmod;
  /** Time of directories that are made on the way. */
  readonly nowNs: bigint;
  /** Of the tree, by path: of a stage; a context has none. */
  readonly xattrs?: ReadonlyMap<string, Xattrs>;
}

/** What a COPY puts into the image as entries of a layer. Sockets are left out: no layer can hold one. */
export function copiedEntries(
  copied: readonly Copied[],
  tree: Pick<ReadableTree, 'read'>,
  options: CopiedOptions,
): readonly LayerEntry[] {
  const { owner, chmod, nowNs, xattrs } = options;
  const files = new Map<string, string>();
  return copied.flatMap((each): readonly LayerEntry[] => {
    if (each.type === 'made') {
      const mode = chmod === undefined ? PLAIN.mode : chmod(PLAIN.mode, true);
      return [{ ...PLAIN, ...owner, path: each.to, type: 'directory', mode, mtimeNs: nowNs }];
    }
    const { identity, type, ...fields } = each.entry;
    if (type === 'socket') return [];
    const mode = chmod === undefined || type === 'symlink' ? fields.mode : chmod(fields.mode, type === 'directory');
    const common = { ...fields, ...owner, mode, path: each.to, xattrs: xattrs?.get(each.entry.path) ?? PLAIN.xattrs };
    const file = identity === undefined ? undefined : files.get(identity);
    if (file !== undefined) return [{ ...common, type: 'link', size: 0, linkName: file }];
    if (identity !== undefined) files.set(identity, each.to);
    return [{ ...common, type, ...(type === 'file' && { data: () => tree.read(each.entry) }) }];
  });
}
