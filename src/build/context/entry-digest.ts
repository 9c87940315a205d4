import { stableHash } from '../../lib/stable-json.ts';
import type { TreeEntry } from './tree.ts';

/** What counts of a file that is copied, as it gets to its place. */
type Counted = Omit<TreeEntry, 'type' | 'identity'> & {
  readonly type: TreeEntry['type'] | 'link' | 'whiteout' | 'opaque';
  readonly xattrs?: ReadonlyMap<string, Buffer>;
};

/**
 * What a step's key sees of a file: everything but its time, which a checkout or a clone changes without meaning.
 * `contentHash`: of a file; undefined for anything else.
 */
export function entryDigest(entry: Counted, contentHash: string | undefined): string {
  const { type, mode, uid, gid, size, linkName, deviceMajor, deviceMinor } = entry;
  const xattrs = [...(entry.xattrs ?? [])].map(([name, value]) => [name, value.toString('base64')]).sort();
  // Of a link the kernel keeps no permissions.
  const permissions = type === 'symlink' ? 0 : mode;
  return stableHash([
    type,
    permissions,
    uid,
    gid,
    size,
    linkName,
    deviceMajor,
    deviceMinor,
    contentHash ?? null,
    xattrs,
  ]);
}
