import { TsstackError } from '../../model/error.ts';

/** A file of a context or of a stage. Paths are byte strings (a character a byte) without a slash at either end. */
export interface TreeEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, in bytes. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** What a symlink says, a byte string. */
  readonly linkName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The same for all names of one file; absent: it has one name. */
  readonly identity?: string;
}

/** Where files come from, or where they go: asked name by name, following no link. `''` is the root. */
export interface SourceTree {
  /** undefined: nothing is there. */
  entry(path: string): TreeEntry | undefined;
  /** Names in a directory in the order of their bytes; none where there is no directory. */
  children(path: string): readonly string[];
}

/** A tree whose files can be read, too. Entries are its own. */
export interface ReadableTree extends SourceTree {
  /** The content of a file. Throws `build-failed` when it has changed since it was looked at. */
  read(entry: TreeEntry): AsyncIterable<Buffer>;
  /** sha256 of a file's content, in hex. */
  contentHash(entry: TreeEntry): Promise<string>;
  /** Extended attributes by path, of those that have any; absent: it keeps none. */
  xattrs?(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>>;
}

/** Of scratch, and of COPY --link, which must not depend on what is below it. */
export const EMPTY_TREE: SourceTree = { entry: () => undefined, children: () => [] };

/** The same where files may be asked for: there are none. */
export const NO_FILES: ReadableTree = {
  ...EMPTY_TREE,
  read: () => {
    throw new Error('an empty tree has no files');
  },
  contentHash: () => Promise.reject(new Error('an empty tree has no files')),
};

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Where a path leads when the root is the tree's: links are followed, the last component's too, and none leads out.
 * Components that are not there stay as they are. Throws `build-failed`.
 */
export function resolveIn(tree: SourceTree, path: string): string {
  const pending = path.split('/');
  let at = '';
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '..') at = parentPath(at);
    if (name === '' || name === '.' || name === '..') continue;
    const next = joinPath(at, name);
    const entry = tree.entry(next);
    if (entry?.type !== 'symlink') {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new TsstackError('build-failed', `Too many links on the way to ${shownPath(path)}`);
    if (entry.linkName.startsWith('/')) at = '';
    pending.unshift(...entry.linkName.split('/'));
  }
  return at;
}

export function joinPath(directory: string, name: string): string {
  return directory === '' || name === '' ? directory + name : `${directory}/${name}`;
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** The directories that a path lies in, the innermost first; the root is none of them. */
export function parentPaths(path: string): readonly string[] {
  const parent = parentPath(path);
  return parent === '' ? [] : [parent, ...parentPaths(parent)];
}

/** A byte string as text: what patterns are held against. */
export function pathText(path: string): string {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1').toString('utf8') : path;
}

/** Text as a byte string. */
export function pathBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A path for people. */
export function shownPath(path: string): string {
  return JSON.stringify(pathText(path).slice(0, 200));
}
