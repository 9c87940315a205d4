import { TsstackError } from '../../model/error.ts';
import { parentPath, type SourceTree, shownPath, type TreeEntry } from './tree.ts';

/** One thing that a COPY puts into the image. */
export type Copied =
  /** `source`: of which of the COPY's sources, from 0. */
  | { readonly type: 'entry'; readonly to: string; readonly entry: TreeEntry; readonly source: number }
  /** A directory that was not there: 0755 or as --chmod says, of the owner that --chown says or root. */
  | { readonly type: 'made'; readonly to: string };

/** What is put into an image, over what is there. */
export class Placement {
  readonly #image: SourceTree;
  readonly #copied = new Map<string, Copied>();

  constructor(image: SourceTree) {
    this.#image = image;
  }

  /** undefined: nothing is there. */
  typeAt(path: string): TreeEntry['type'] | undefined {
    if (path === '') return 'directory';
    const copied = this.#copied.get(path);
    if (copied === undefined) return this.#image.entry(path)?.type;
    return copied.type === 'made' ? 'directory' : copied.entry.type;
  }

  /** Throws `build-failed` where a file would take the place of a directory, or the other way round. */
  put(to: string, entry: TreeEntry, source: number): void {
    const there = this.typeAt(to);
    if (there !== undefined && (there === 'directory') !== (entry.type === 'directory')) {
      const [what, other] = entry.type === 'directory' ? ['directory', 'file'] : ['file', 'directory'];
      throw new TsstackError(
        'build-failed',
        `The ${what} ${shownPath(entry.path)} cannot take the place of the ${other} ${shownPath(`/${to}`)}`,
        {
          hint: 'Remove it in an earlier step, or copy to another place',
        },
      );
    }
    this.makeDirectory(parentPath(to));
    this.#copied.set(to, { type: 'entry', to, entry, source });
  }

  /** With its parents, as far as they are not there. */
  makeDirectory(path: string): void {
    const there = this.typeAt(path);
    if (there === 'directory') return;
    if (there !== undefined) {
      throw new TsstackError(
        'build-failed',
        `${shownPath(path)} of the image is no directory: nothing can be copied into it`,
      );
    }
    this.makeDirectory(parentPath(path));
    this.#copied.set(path, { type: 'made', to: path });
  }

  /** In the order of their bytes. */
  copied(): readonly Copied[] {
    return [...this.#copied.values()].sort((left, right) => (left.to < right.to ? -1 : 1));
  }
}
