import { didYouMean } from '../../lib/nearest.ts';
import { TsstackError } from '../../model/error.ts';
import { compileGlob, hasWildcards, matchesGlob } from './glob.ts';
import { cleanPath, PatternMatcher } from './ignore.ts';
import { joinPath, parentPath, pathBytes, pathText, resolveIn, type SourceTree } from './tree.ts';

/** Something that a source of COPY stands for. */
export interface Selected {
  /** Where it is, links followed. */
  readonly path: string;
  /** The name it was found by. */
  readonly name: string;
  /** Of --parents: what of the directory is copied, with its path. */
  readonly include?: Include;
}

interface Include {
  readonly matcher: PatternMatcher;
  /** false: nothing below a directory that does not match itself can match. */
  readonly mayMatchBelow: (directory: string) => boolean;
}

/** What a source stands for; nothing where its wildcards match nothing. Throws `build-failed` for a path that is not there. */
export function findSources(tree: SourceTree, source: string, parents: boolean): readonly Selected[] {
  if (!parents) return matching(tree, source);
  const pivot = source.indexOf('/./');
  const base = pivot === -1 ? '/' : source.slice(0, pivot);
  const pattern = cleanPath(`/${pivot === -1 ? source : source.slice(pivot + 3)}`).slice(1);
  if (!hasWildcards(source)) matching(tree, cleanPath(`${base}/${pattern}`));
  if (pattern === '') return matching(tree, base);
  const include = { matcher: new PatternMatcher([pattern], 'COPY --parents'), mayMatchBelow: belowOf(pattern) };
  return matching(tree, base).map((each) => ({ ...each, include }));
}

function matching(tree: SourceTree, source: string): readonly Selected[] {
  const path = cleanPath(`/${source}`).slice(1);
  const components = path === '' ? [] : path.split('/');
  const first = components.findIndex(hasWildcards);
  if (first === -1) return [literal(tree, source, pathBytes(path.replaceAll(/\\(.)/g, '$1')))];
  const base = resolveIn(tree, pathBytes(components.slice(0, first).join('/')));
  const patterns = components.slice(first).map((component) => compiled(component, source));
  let found = [base];
  for (const tokens of patterns) {
    found = found.flatMap((directory) =>
      tree
        .children(directory)
        .filter((name) => matchesGlob(tokens, pathText(name)))
        .map((name) => joinPath(directory, name)),
    );
  }
  return found.map((each) => selected(tree, each)).filter((each) => tree.entry(each.path) !== undefined);
}

function compiled(component: string, source: string): ReturnType<typeof compileGlob> {
  try {
    return compileGlob(component);
  } catch (error) {
    throw new TsstackError('build-failed', `${JSON.stringify(source)} is no pattern: ${(error as Error).message}`);
  }
}

function literal(tree: SourceTree, source: string, path: string): Selected {
  const found = selected(tree, path);
  if (found.path === '' || tree.entry(found.path) !== undefined) return found;
  const directory = resolveIn(tree, parentPath(path));
  const near = didYouMean(pathText(found.name), tree.children(directory).map(pathText));
  throw new TsstackError('build-failed', `There is no ${JSON.stringify(source)} to copy`, {
    hint: near ?? 'Sources are relative to the context; what .dockerignore names is not in it',
  });
}

function selected(tree: SourceTree, path: string): Selected {
  return { path: resolveIn(tree, path), name: path.slice(path.lastIndexOf('/') + 1) };
}

/** Component by component, as far as the first `**`. */
function belowOf(pattern: string): (directory: string) => boolean {
  const components = pattern.split('/');
  return (directory) => {
    for (const [index, name] of directory.split('/').entries()) {
      const component = components[index];
      if (component === undefined) return false;
      if (component.includes('**')) return true;
      if (!matchesGlob(compileGlob(component), name)) return false;
    }
    return true;
  };
}
