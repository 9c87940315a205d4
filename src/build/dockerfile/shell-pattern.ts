/** One step of a pattern of `${name#pattern}` and its kin: text, `?`, or `*`. No bracket expressions, as in BuildKit. */
type Token = { readonly type: 'literal'; readonly character: string } | { readonly type: 'any' | 'star' };

/** Comparisons for one pattern: enough for every real value, and an end for one made to take for ever. */
const WORK = 5_000_000;

/** Throws an `Error` for an escape that means nothing. */
export function compilePattern(pattern: string): readonly Token[] {
  const characters = [...pattern];
  const tokens: Token[] = [];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    if (character === '\\') {
      index += 1;
      const next = characters[index] ?? '';
      // `}` and `/` are escaped for the expression around the pattern, the others for the pattern itself.
      if (!['}', '/', '*', '?', '\\'].includes(next)) throw new Error(`invalid escape "\\${next}" in a pattern`);
      tokens.push({ type: 'literal', character: next });
      continue;
    }
    if (character === '*') tokens.push({ type: 'star' });
    else tokens.push(character === '?' ? { type: 'any' } : { type: 'literal', character });
  }
  return tokens;
}

/** `${value#pattern}`, greedy `##`. */
export function trimPrefix(value: string, tokens: readonly Token[], greedy: boolean): string {
  const characters = [...value];
  const end = matchEnd(characters, tokens, { start: 0, greedy, budget: { left: WORK } });
  return end === undefined ? value : characters.slice(end).join('');
}

/** `${value%pattern}`, greedy `%%`: the same from behind. */
export function trimSuffix(value: string, tokens: readonly Token[], greedy: boolean): string {
  const characters = [...value].reverse();
  const end = matchEnd(characters, tokens.toReversed(), { start: 0, greedy, budget: { left: WORK } });
  return end === undefined ? value : characters.slice(end).reverse().join('');
}

/** `${value/pattern/replacement}`, with `all` `//`: the first match from the left, as long as it can be. */
export function replace(value: string, tokens: readonly Token[], by: { text: string; all: boolean }): string {
  const characters = [...value];
  const budget = { left: WORK };
  let result = '';
  let copied = 0;
  let lastEnd = -1;
  for (let start = 0; start <= characters.length; ) {
    const end = matchEnd(characters, tokens, { start, greedy: true, budget });
    // An empty match directly behind another one counts for nothing (Go, regexp.ReplaceAllString).
    if (end === undefined || (end === start && start === lastEnd)) {
      start += 1;
      continue;
    }
    const matched = characters.slice(start, end).join('');
    result += characters.slice(copied, start).join('') + (by.all ? template(by.text, matched) : by.text);
    copied = end;
    lastEnd = end;
    if (!by.all) break;
    start = end === start ? start + 1 : end;
  }
  return result + characters.slice(copied).join('');
}

/** What is replaced everywhere is replaced by a template of Go's regexp package, where `$0` is the match. */
function template(text: string, matched: string): string {
  return text.replaceAll(/\$(?:\$|\w+|\{\w+\})/g, (name) => {
    if (name === '$$') return '$';
    return name === '$0' || name === '${0}' ? matched : '';
  });
}

interface Search {
  readonly start: number;
  readonly greedy: boolean;
  readonly budget: { left: number };
}

/** Where a match that begins at `start` ends: all states at once, so that no pattern can make it backtrack. */
function matchEnd(
  characters: readonly string[],
  tokens: readonly Token[],
  { start, greedy, budget }: Search,
): number | undefined {
  let states = closure(new Set([0]), tokens);
  let found: number | undefined;
  for (let at = start; ; at += 1) {
    if (states.has(tokens.length)) {
      if (!greedy) return at;
      found = at;
    }
    const character = characters[at];
    if (character === undefined || states.size === 0) return found;
    budget.left -= states.size + 1;
    if (budget.left < 0) throw new Error('a pattern takes too long for its value');
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      // As in Go's regular expressions, a wildcard stands for no line break.
      if (token?.type === 'literal' ? token.character === character : token !== undefined && character !== '\n') {
        next.add(token?.type === 'star' ? state : state + 1);
      }
    }
    states = closure(next, tokens);
  }
}

function closure(states: Set<number>, tokens: readonly Token[]): Set<number> {
  for (const state of states) if (tokens[state]?.type === 'star') states.add(state + 1);
  return states;
}
