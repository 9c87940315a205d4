import type { Chmod } from '../context/chmod.ts';
import type { Copied } from '../context/placement.ts';
import type { ReadableTree } from '../context/tree.ts';
import { type LayerEntry, PLAIN } from './layer-entry.ts';
import type { Xattrs } from './read-xattrs.ts';

export interface CopiedOptions {
  /** `--chown`, as ids of the image; absent: as the tree has them. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly chmod?: Chmod;
  /** Of directories that are made on the way; absent: 0755. */
  readonly madeMode?: number;
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
  const { owner, chmod, madeMode = PLAIN.mode, nowNs, xattrs } = options;
  const files = new Map<string, string>();
  return copied.flatMap((each): readonly LayerEntry[] => {
    if (each.type === 'made') {
      return [{ ...PLAIN, ...owner, path: each.to, type: 'directory', mode: madeMode, mtimeNs: nowNs }];
    }
    const { identity, type, ...fields } = each.entry;
    if (type === 'socket') return [];
    const mode = chmod === undefined || type === 'symlink' ? fields.mode : chmod(fields.mode, type === 'directory');
    const common = { ...fields, ...owner, mode, path: each.to, xattrs: xattrs?.get(each.entry.path) ?? PLAIN.xattrs };
    // Two sources are copied apart from each other, as with two instructions.
    const name = identity === undefined ? undefined : `${each.source} ${identity}`;
    const file = name === undefined ? undefined : files.get(name);
    if (file !== undefined) return [{ ...common, type: 'link', size: 0, linkName: file }];
    if (name !== undefined) files.set(name, each.to);
    return [{ ...common, type, ...(type === 'file' && { data: () => tree.read(each.entry) }) }];
  });
}

/** The same with the extended attributes that the tree keeps. */
export async function entriesOf(
  tree: ReadableTree,
  copied: readonly Copied[],
  { signal, ...options }: Omit<CopiedOptions, 'xattrs'> & { readonly signal: AbortSignal },
): Promise<readonly LayerEntry[]> {
  const paths = copied.flatMap((each) => (each.type === 'entry' ? [each.entry.path] : []));
  const xattrs = await tree.xattrs?.(paths, signal);
  return copiedEntries(copied, tree, { ...options, ...(xattrs !== undefined && { xattrs }) });
}
