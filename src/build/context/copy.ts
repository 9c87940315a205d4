import { setImmediate as turn } from 'node:timers/promises';
import { TsstackError } from '../../model/error.ts';
import { escaped } from './glob.ts';
import { type ParentMatches, PatternMatcher } from './ignore.ts';
import { type Copied, Placement } from './placement.ts';
import { findSources, type Selected } from './select.ts';
import { EMPTY_TREE, joinPath, parentPath, pathBytes, pathText, resolveIn, type SourceTree } from './tree.ts';

export interface CopyRequest {
  readonly tree: SourceTree;
  /** As written, expanded. */
  readonly sources: readonly string[];
  /** Absolute, as text; a slash at its end makes it a directory. */
  readonly destination: string;
  /** The image so far; `EMPTY_TREE` with --link. */
  readonly image: SourceTree;
  readonly excludes: PatternMatcher;
  readonly parents: boolean;
  /** Files that come besides, of heredocs. */
  readonly others: number;
}

export interface CopyResult {
  /** In the order of the bytes of `to`, each once. */
  readonly copied: () => readonly Copied[];
  /** Where a file of a heredoc goes, a byte string; call it before `copied()`, which has what is made on the way. */
  readonly placeOf: (name: string) => string;
  /** Patterns that match nothing: allowed, and most likely a mistake. */
  readonly empty: readonly string[];
}

/**
 * What a COPY or ADD of local files puts where, by BuildKit's rules: the content of a directory is merged into the
 * destination, a file gets its own name where the destination is a directory. Throws `build-failed`.
 */
export async function planCopy(request: CopyRequest): Promise<CopyResult> {
  const { tree, sources, destination, image, parents } = request;
  const found = sources.map((source) => ({ source, selected: findSources(tree, source, parents) }));
  const selected = found.flatMap((each) => each.selected);
  const placement = new Placement(image);
  const top = resolveIn(image, pathBytes(destination));
  const asDirectory = parents || /(^|\/)\.?$/.test(destination) || placement.typeAt(top) === 'directory';
  const files = selected.filter(({ path }) => tree.entry(path)?.type !== 'directory');
  if (selected.length + request.others > 1 && files.length + request.others > 0 && !asDirectory) {
    throw new TsstackError(
      'build-failed',
      `Several files cannot be copied to ${JSON.stringify(destination)}, which is no directory`,
      {
        hint: 'A slash at its end makes it one',
      },
    );
  }
  const copier = new Copier(request, placement);
  const placeOf = (name: string): string => (asDirectory ? joinPath(top, name) : top);
  for (const [source, each] of selected.entries()) await copier.copy({ ...each, source }, top, placeOf);
  if (asDirectory && selected.length + request.others > 0) placement.makeDirectory(top);
  return {
    copied: () => placement.copied(),
    placeOf: (name) => {
      const place = placeOf(pathBytes(name));
      placement.makeDirectory(parentPath(place));
      return place;
    },
    empty: found.filter((each) => each.selected.length === 0).map(({ source }) => source),
  };
}

/** Which of the sources it belongs to, from 0. */
interface Numbered {
  readonly source: number;
}

/** One path of a tree with all that is below it, put into nothing: a directory's content, or a file under its name. */
export async function planWhole(tree: SourceTree, path: string): Promise<readonly Copied[]> {
  const plan = await planCopy({
    tree,
    sources: [`/${escaped(path)}`],
    destination: '/',
    image: EMPTY_TREE,
    excludes: new PatternMatcher([], 'none'),
    parents: false,
    others: 0,
  });
  return plan.copied();
}

/** Directories that have matched nothing yet are put in when something below them does. */
interface Walk extends Numbered {
  readonly include: Selected['include'];
  readonly waiting: readonly { readonly from: string; readonly to: string }[];
}

class Copier {
  readonly #request: CopyRequest;
  readonly #placement: Placement;
  #count = 0;

  constructor(request: CopyRequest, placement: Placement) {
    this.#request = request;
    this.#placement = placement;
  }

  async copy(
    { path, name, include, source }: Selected & Numbered,
    top: string,
    placeOf: (name: string) => string,
  ): Promise<void> {
    const entry = this.#request.tree.entry(path);
    if (entry === undefined) return;
    if (entry.type !== 'directory') {
      if (!this.#request.excludes.matches(pathText(name))) this.#placement.put(placeOf(name), entry, source);
      return;
    }
    // It is the content that is copied: the directory that it goes to keeps its own rights, or is made with the usual ones.
    this.#placement.makeDirectory(top);
    await this.#children({ from: path, to: top, relative: '' }, { include, source, waiting: [] });
  }

  async #children(
    { from, to, relative }: { from: string; to: string; relative: string },
    walk: Walk,
    parents?: { readonly included?: ParentMatches; readonly excluded: ParentMatches },
  ): Promise<void> {
    const { tree, excludes } = this.#request;
    for (const name of tree.children(from)) {
      this.#count += 1;
      if (this.#count % 256 === 0) await turn();
      const entry = tree.entry(joinPath(from, name));
      if (entry === undefined) continue;
      const path = joinPath(relative, name);
      const text = pathText(path);
      const included = walk.include?.matcher.match(text, parents?.included);
      const excluded = excludes.match(text, parents?.excluded);
      const wanted = included?.matches !== false && !excluded.matches;
      const place = joinPath(to, name);
      if (wanted) {
        for (const above of walk.waiting) this.#waiting(above, walk.source);
        this.#placement.put(place, entry, walk.source);
      }
      if (entry.type !== 'directory') continue;
      if (excluded.matches && !excludes.mayExceptBelow(text)) continue;
      if (included?.matches === false && walk.include?.mayMatchBelow(text) === false) continue;
      const waiting = wanted ? [] : [...walk.waiting, { from: entry.path, to: place }];
      const next = { ...(included !== undefined && { included: included.each }), excluded: excluded.each };
      await this.#children({ from: entry.path, to: place, relative: path }, { ...walk, waiting }, next);
    }
  }

  #waiting({ from, to }: { from: string; to: string }, source: number): void {
    const entry = this.#request.tree.entry(from);
    if (entry !== undefined && this.#placement.typeAt(to) === undefined) this.#placement.put(to, entry, source);
  }
}
