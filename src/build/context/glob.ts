import { pathText } from './tree.ts';

/** One step of a compiled pattern. */
export type GlobToken =
  | { readonly type: 'literal'; readonly character: string }
  /** `[a-z]`, `[^a]`: may be a slash too, as in Go. */
  | { readonly type: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** `?`: not a slash. */
  | { readonly type: 'one' }
  /** `*`: no slash in it. */
  | { readonly type: 'star' }
  /** `**` at the end. */
  | { readonly type: 'all' }
  /** `**` before something: directories, or nothing. */
  | { readonly type: 'directories' };

/** A pattern of Go's path/filepath.Match. Throws an `Error` for one that is malformed. */
export function compileGlob(pattern: string): readonly GlobToken[] {
  const characters = [...pattern];
  const tokens: GlobToken[] = [];
  for (let at = 0; at < characters.length; ) {
    const { token, next } = tokenAt(characters, at);
    tokens.push(token);
    at = next;
  }
  return tokens;
}

/** The token that begins at a place, and where the next one begins. Throws an `Error`. */
export function tokenAt(characters: readonly string[], at: number): { token: GlobToken; next: number } {
  const character = characters[at] ?? '';
  if (character === '*') return { token: { type: 'star' }, next: at + 1 };
  if (character === '?') return { token: { type: 'one' }, next: at + 1 };
  if (character === '[') return classAt(characters, at + 1);
  if (character !== '\\') return { token: { type: 'literal', character }, next: at + 1 };
  const escaped = characters[at + 1];
  if (escaped === undefined) throw new Error('it ends with a "\\"');
  return { token: { type: 'literal', character: escaped }, next: at + 2 };
}

function classAt(characters: readonly string[], start: number): { token: GlobToken; next: number } {
  const negated = characters[start] === '^';
  let at = negated ? start + 1 : start;
  const ranges: [string, string][] = [];
  const bound = (): string => {
    const isEscaped = characters[at] === '\\';
    const character = characters[isEscaped ? at + 1 : at];
    if (character === undefined || (!isEscaped && (character === '-' || character === ']'))) {
      throw new Error('it has a "[" without its "]", or nothing between them');
    }
    at += isEscaped ? 2 : 1;
    return character;
  };
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = bound();
    if (characters[at] === '-') {
      at += 1;
      ranges.push([low, bound()]);
    } else ranges.push([low, low]);
  }
  return { token: { type: 'class', negated, ranges }, next: at + 1 };
}

/** Whether a pattern stands for the whole of a text: all states at once, so that no pattern can make it backtrack. */
export function matchesGlob(tokens: readonly GlobToken[], text: string): boolean {
  let states = entered([0], tokens);
  for (const character of text) {
    const next: number[] = [];
    for (const state of states) next.push(...after(state, character, tokens));
    if (next.length === 0) return false;
    states = entered(next, tokens);
  }
  return states.has(tokens.length);
}

/** A state below zero is within the directories of the token -1 - state. */
function after(state: number, character: string, tokens: readonly GlobToken[]): readonly number[] {
  const index = state < 0 ? -1 - state : state;
  const token = tokens[index];
  switch (token?.type) {
    case 'literal':
      return token.character === character ? [index + 1] : [];
    case 'class':
      return token.ranges.some(([low, high]) => isBetween(low, character, high)) === token.negated ? [] : [index + 1];
    case 'one':
      return character === '/' ? [] : [index + 1];
    case 'star':
      return character === '/' ? [] : [index];
    case 'all':
      return character === '\n' ? [] : [index];
    case 'directories':
      if (character === '\n') return [];
      return character === '/' ? [-1 - index, index + 1] : [-1 - index];
    default:
      return [];
  }
}

function entered(states: readonly number[], tokens: readonly GlobToken[]): ReadonlySet<number> {
  const all = new Set(states);
  for (const state of all) {
    const type = tokens[state]?.type;
    if (type === 'star' || type === 'all' || type === 'directories') all.add(state + 1);
  }
  return all;
}

function isBetween(low: string, character: string, high: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (low.codePointAt(0) ?? 0) <= code && code <= (high.codePointAt(0) ?? 0);
}

/** Whether a path has wildcards that are not escaped. */
export function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path.replaceAll(/\\./gs, ''));
}

/** A path (a byte string) as a pattern of COPY that matches just this. */
export function escaped(path: string): string {
  return pathText(path).replaceAll(/[\\*?[]/g, '\\$&');
}
