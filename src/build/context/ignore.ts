import { posix } from 'node:path';
import { TsstackError } from '../../model/error.ts';
import { compileGlob, type GlobToken, matchesGlob, tokenAt } from './glob.ts';

/** Bytes of an ignore file and patterns in it: every path is held against every pattern. */
const MAX_SIZE = 1 << 20;
const MAX_PATTERNS = 10_000;
/** `*`, `?` and `[` in one pattern: each costs at every character of a path. */
const MAX_WILDCARDS = 50;

/** The patterns of a `.dockerignore`, in order (moby/patternmatcher/ignorefile). Throws `build-failed` for a huge one. */
export function parseIgnoreFile(text: string, file: string): readonly string[] {
  if (text.length > MAX_SIZE) {
    throw new TsstackError('build-failed', `${file} has ${text.length} characters; the limit is ${MAX_SIZE}`);
  }
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line) => {
      const pattern = line.startsWith('#') ? '' : line.trim();
      if (pattern === '') return [];
      return pattern.startsWith('!') ? [`!${cleaned(pattern.slice(1).trim())}`] : [cleaned(pattern)];
    });
}

/** Where patterns may be, relative to the context, by the path of the Dockerfile: the first that is there counts alone. */
export function ignoreFilesOf(dockerfile: string): readonly string[] {
  return [`${dockerfile}.dockerignore`, '.dockerignore'];
}

/** A slash at the beginning means nothing. */
function cleaned(pattern: string): string {
  const path = pattern === '' ? '' : cleanPath(pattern);
  return path.length > 1 && path.startsWith('/') ? path.slice(1) : path;
}

/** Go's path/filepath.Clean. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** What each pattern said of a directory, for what is in it. */
export type ParentMatches = readonly boolean[];

interface Pattern {
  /** Without its `!`. */
  readonly text: string;
  /** `!`: what it matches stays. */
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/**
 * Patterns of which the last that matches a path, or a directory that it is in, decides (moby/patternmatcher). Paths are
 * text with slashes, relative to the root. The constructor throws `build-failed` for a malformed pattern.
 */
export class PatternMatcher {
  readonly #patterns: readonly Pattern[];
  /** Directories that lead to an exception; undefined: one has a wildcard, and may be anywhere. */
  readonly #leading: readonly string[] | undefined;

  /** `source`: where the patterns were written, for messages. */
  constructor(patterns: readonly string[], source: string) {
    this.#patterns = patterns.flatMap((pattern) => compile(pattern, source));
    if (this.#patterns.length > MAX_PATTERNS) {
      throw new TsstackError('build-failed', `${source} has more than ${MAX_PATTERNS} patterns`);
    }
    const exceptions = this.#patterns
      .filter(({ isException }) => isException)
      .map(({ text }) => text.replace(/\/\*{1,2}$/, ''));
    this.#leading = exceptions.some((text) => /[*[\]?^]/.test(text)) ? undefined : exceptions.map((text) => `${text}/`);
  }

  /** Whether a path matches by itself or by one of its parents. */
  matches(path: string): boolean {
    const components = path.split('/');
    let parents: ParentMatches | undefined;
    for (let count = 1; count < components.length; count += 1) {
      parents = this.match(components.slice(0, count).join('/'), parents).each;
    }
    return this.match(path, parents).matches;
  }

  /** The same where the directory that the path is in has been asked about. `parents` absent: it is the root. */
  match(path: string, parents?: ParentMatches): { readonly matches: boolean; readonly each: ParentMatches } {
    let matched = false;
    const each = this.#patterns.map(({ isException, matches }, index) => {
      const found = parents?.[index] === true || (isException === matched && matches(path));
      if (found) matched = !isException;
      return found;
    });
    return { matches: matched, each };
  }

  /** Whether an exception may be below a directory that matches. */
  mayExceptBelow(directory: string): boolean {
    return this.#leading === undefined || this.#leading.some((path) => path.startsWith(`${directory}/`));
  }
}

function compile(written: string, source: string): readonly Pattern[] {
  if (written.trim() === '') return [];
  const whole = cleanPath(written.trim());
  const isException = whole.startsWith('!');
  const text = isException ? whole.slice(1) : whole;
  const wrong = (reason: string): TsstackError =>
    new TsstackError('build-failed', `${source}: ${JSON.stringify(written)} is no pattern: ${reason}`, {
      hint: 'A wildcard that is meant as a character has a "\\" before it',
    });
  if (text === '') throw wrong('nothing follows the "!"');
  try {
    const wildcards = compileGlob(text).filter(({ type }) => type !== 'literal').length;
    if (wildcards > MAX_WILDCARDS) throw new Error(`it has ${wildcards} wildcards; the limit is ${MAX_WILDCARDS}`);
    return [{ text, isException, matches: matcherOf(text) }];
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

/** Three kinds of patterns are held against a path as text; that `**x` then matches `a/yx` is moby's way, too. */
function matcherOf(text: string): (path: string) => boolean {
  const { tokens, kind } = compiled(text);
  if (kind === 'exact') return (path) => path === text;
  if (kind === 'prefix') return (path) => path.startsWith(text.slice(0, -2));
  if (kind === 'pattern') return (path) => matchesGlob(tokens, path);
  const suffix = text.slice(2);
  return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
}

type Kind = 'exact' | 'prefix' | 'suffix' | 'pattern';

/** Pattern.compile() of moby/patternmatcher. */
function compiled(text: string): { tokens: readonly GlobToken[]; kind: Kind } {
  const characters = [...text];
  const tokens: GlobToken[] = [];
  let kind: Kind = 'exact';
  for (let at = 0; at < characters.length; ) {
    if (characters[at] === '*' && characters[at + 1] === '*') {
      const isFirst = at === 0;
      at += characters[at + 2] === '/' ? 3 : 2;
      const isLast = at >= characters.length;
      tokens.push({ type: isLast ? 'all' : 'directories' });
      if (isFirst) kind = 'suffix';
      else kind = isLast && kind === 'exact' ? 'prefix' : 'pattern';
      continue;
    }
    const { token, next } = tokenAt(characters, at);
    if (token.type !== 'literal' || characters[at] === '\\' || token.character === ']') kind = 'pattern';
    tokens.push(token);
    at = next;
  }
  return { tokens, kind };
}
