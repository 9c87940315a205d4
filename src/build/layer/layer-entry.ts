import type { TreeEntry } from '../context/tree.ts';

/** One entry of a layer that is written. `linkName` of a hard link: the path of its file, which comes earlier. */
export interface LayerEntry extends Omit<TreeEntry, 'type' | 'identity'> {
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'char' | 'block' | 'fifo' | 'whiteout' | 'opaque';
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Of a file with content: exactly `size` bytes. */
  readonly data?: () => AsyncIterable<Buffer>;
}

/** What most entries have. */
export const PLAIN = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  linkName: '',
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;
