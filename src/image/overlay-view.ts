/** What lies at a path of one layer; `whiteout` hides what is below. */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'whiteout' | 'other';

/**
 * Directories seen as overlayfs would show them, top to bottom, without mounting them. Paths are relative to the root,
 * without links in them: following links is the caller's. Opaque directories need no thought in layers that we have
 * unpacked: there every hidden name has a whiteout of its own.
 */
export class OverlayView {
  readonly #layers: readonly string[];
  readonly #kindOf: (path: string) => EntryKind | undefined;

  constructor(layers: readonly string[], kindOf: (path: string) => EntryKind | undefined) {
    this.#layers = layers;
    this.#kindOf = kindOf;
  }

  /** The real directories that make up the merged directory, top first. Empty when there is none. */
  directories(path: string): readonly string[] {
    if (path === '') return this.#layers;
    const slash = path.lastIndexOf('/');
    return this.#merge(this.directories(path.slice(0, Math.max(slash, 0))), path.slice(slash + 1)).directories;
  }

  /** What is at `path` and where it really is; undefined when nothing is, or a whiteout. */
  entry(path: string): { readonly kind: EntryKind; readonly realPath: string } | undefined {
    const slash = path.lastIndexOf('/');
    const found = this.#merge(this.directories(path.slice(0, Math.max(slash, 0))), path.slice(slash + 1));
    return found.top;
  }

  #merge(parents: readonly string[], name: string): MergedEntry {
    const directories: string[] = [];
    for (const parent of parents) {
      const realPath = `${parent}/${name}`;
      const kind = this.#kindOf(realPath);
      if (kind === undefined) continue;
      if (kind === 'directory') directories.push(realPath);
      if (kind === 'directory') continue;
      if (directories.length > 0 || kind === 'whiteout') break;
      return { directories, top: { kind, realPath } };
    }
    const first = directories[0];
    return { directories, top: first === undefined ? undefined : { kind: 'directory', realPath: first } };
  }
}

interface MergedEntry {
  readonly directories: readonly string[];
  readonly top: { readonly kind: EntryKind; readonly realPath: string } | undefined;
}
