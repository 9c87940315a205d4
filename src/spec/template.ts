/** Looks a variable up; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface Template {
  readonly text: string;
  /** Variables that were needed, are not set and have no default. */
  readonly unset: readonly string[];
}

/** What is wrong with a template. `interp.required`: `${X:?message}` and X is not set. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly code: 'interp.syntax' | 'interp.required';
  /** The part of the template that is wrong. */
  readonly token: string;

  constructor(code: 'interp.syntax' | 'interp.required', message: string, token: string) {
    super(message);
    this.code = code;
    this.token = token;
  }
}

const namePattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const operators = [':-', ':?', ':+', '-', '?', '+'] as const;
type Operator = (typeof operators)[number];
const mostLevels = 100;

/** One variable as a template writes it: `${NAME:-word}`. */
export interface VariableUse {
  readonly name: string;
  /** Absent in `$NAME` and `${NAME}`. */
  readonly operator: Operator | undefined;
  /** What stands behind the operator, as written. */
  readonly word: string;
  /** The whole, from the dollar on. */
  readonly token: string;
}

function nameAt(text: string, at: number): string {
  namePattern.lastIndex = at;
  return namePattern.exec(text)?.[0] ?? '';
}

/**
 * Replaces `$X`, `${X}`, `${X:-default}`, `${X-default}`, `${X:?message}`, `${X?message}`, `${X:+other}`, `${X+other}`,
 * nested up to 100 levels, and `$$` by one dollar (Compose specification, "Interpolation"). A branch that is not taken is
 * not evaluated. A dollar before anything else stands for itself. Throws `TemplateError`.
 */
export function substitute(text: string, lookup: Lookup): Template {
  if (!text.includes('$')) return { text, unset: [] };
  const unset: string[] = [];
  return { text: expand(text, lookup, unset), unset };
}

function expand(text: string, lookup: Lookup, unset: string[]): string {
  let result = '';
  let at = 0;
  for (;;) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (next === '{') {
      const end = closingBrace(text, dollar + 1);
      result += braced(text, { start: dollar, end }, lookup, unset);
      at = end + 1;
    } else {
      const name = nameAt(text, dollar + 1);
      result += name === '' ? '$' : variableOf(name, lookup, unset);
      at = dollar + 1 + name.length;
    }
  }
}

/** Braces nest whether a dollar stands before them or not, as in `${X:-{"json":1}}`. */
function closingBrace(text: string, open: number): number {
  const token = text.slice(open - 1).split('\n', 1)[0] ?? '';
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{' && ++depth > mostLevels) {
      throw new TemplateError(
        'interp.syntax',
        `variables are nested too deep: the limit is ${mostLevels} levels`,
        token,
      );
    }
    if (text[at] === '}' && --depth === 0) return at;
  }
  throw new TemplateError('interp.syntax', `"${text.slice(open - 1, open + 39)}" has no closing brace`, token);
}

function variableOf(name: string, lookup: Lookup, unset: string[]): string {
  const value = lookup(name);
  if (value === undefined) unset.push(name);
  return value ?? '';
}

function braced(text: string, range: { start: number; end: number }, lookup: Lookup, unset: string[]): string {
  const use = useAt(text, range);
  return use.operator === undefined ? variableOf(use.name, lookup, unset) : apply(use.operator, use, lookup, unset);
}

function useAt(text: string, range: { start: number; end: number }): VariableUse {
  const name = nameAt(text, range.start + 2);
  const rest = text.slice(range.start + 2 + name.length, range.end);
  const token = text.slice(range.start, range.end + 1);
  if (name !== '' && rest === '') return { name, operator: undefined, word: '', token };
  const operator = operators.find((each) => rest.startsWith(each));
  if (name === '' || operator === undefined || rest.includes('\n')) {
    throw new TemplateError('interp.syntax', `"${token}" is not a valid variable`, token);
  }
  return { name, operator, word: rest.slice(operator.length), token };
}

function apply(operator: Operator, use: VariableUse, lookup: Lookup, unset: string[]): string {
  const value = lookup(use.name);
  const present = value !== undefined && (operator.length === 1 || value !== '');
  if (operator.endsWith('+')) return present ? expand(use.word, lookup, unset) : (value ?? '');
  if (present) return value;
  const word = expand(use.word, lookup, unset);
  if (operator.endsWith('-')) return word;
  const reason = word === '' ? '' : `: ${word}`;
  throw new TemplateError('interp.required', `the variable "${use.name}" is required and not set${reason}`, use.token);
}

/**
 * Every variable that a template uses, also those inside the words of others, in the order of the text. What stands
 * behind a malformed variable is not looked at.
 */
export function variableUses(text: string): VariableUse[] {
  const uses: VariableUse[] = [];
  try {
    collectUses(text, uses);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  return uses;
}

function collectUses(text: string, uses: VariableUse[]): void {
  let at = text.indexOf('$');
  while (at !== -1) {
    const next = text[at + 1];
    let end = at + 2;
    if (next === '{') {
      const close = closingBrace(text, at + 1);
      const use = useAt(text, { start: at, end: close });
      uses.push(use);
      collectUses(use.word, uses);
      end = close + 1;
    } else if (next !== '$') {
      const name = nameAt(text, at + 1);
      if (name !== '') uses.push({ name, operator: undefined, word: '', token: `$${name}` });
      end = at + 1 + name.length;
    }
    at = text.indexOf('$', end);
  }
}
