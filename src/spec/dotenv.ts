import { type Lookup, substitute } from './template.ts';

/** A line of an environment file that cannot be read. */
export class DotenvError extends Error {
  override readonly name = 'DotenvError';
  /** Offset in the text, in code units. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  c: '\\c',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // `$$` is how the interpolation that follows writes one dollar.
  $: '$$',
};

/** Is told what set a variable: from where to where in the text, in code units. */
export type Noter = (name: string, start: number, end: number) => void;

/** Spaces that do not end a line. */
const blank = /[\t\v\f\r \u0085\u00a0]*/y;
/** Not a constant: making it takes V8 almost a millisecond, and most projects have no such file. */
function isKeyCharacter(character: string): boolean {
  return /[\p{L}\p{N}_.\-[\]\t\v\f\r \u0085\u00a0]/u.test(character);
}

/**
 * The dotenv dialect of Compose: `KEY=value`, `export KEY=value`, `KEY: value`, comments, single quotes (literal),
 * double quotes (escapes and variables), values over several lines, `${X:-default}` in the rest; a bare `KEY` takes the
 * value of `lookup`. Variables come from `lookup` first, then from what `into` holds. Throws `DotenvError`.
 */
export function parseDotenv(text: string, into: Map<string, string>, lookup: Lookup, note?: Noter): void {
  const variables: Lookup = (name) => lookup(name) ?? into.get(name);
  let at = statementStart(text, text.charCodeAt(0) === 0xfeff ? 1 : 0);
  while (at < text.length) {
    const start = skipExport(text, at);
    const key = readKey(text, start);
    if (key.inherited) {
      const value = lookup(key.name);
      if (value !== undefined) {
        into.set(key.name, value);
        note?.(key.name, start, key.next - 1);
      }
      at = statementStart(text, key.next);
      continue;
    }
    const value = readValue(text, skipBlank(text, key.next), variables);
    into.set(key.name, value.text);
    note?.(key.name, start, value.next);
    at = statementStart(text, value.next);
  }
}

function skipBlank(text: string, at: number): number {
  blank.lastIndex = at;
  return at + (blank.exec(text)?.[0].length ?? 0);
}

function statementStart(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && /[\s\u0085]/.test(text[at] ?? '')) at++;
    if (text[at] !== '#') return at;
    const end = text.indexOf('\n', at);
    if (end === -1) return text.length;
    at = end;
  }
}

function skipExport(text: string, at: number): number {
  return /^export\s/.test(text.slice(at, at + 7)) ? skipBlank(text, at + 6) : at;
}

function readKey(text: string, start: number): { name: string; next: number; inherited: boolean } {
  let at = start;
  for (; at < text.length; at++) {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (character === '=' || character === ':' || character === '\n') break;
    if (!isKeyCharacter(character)) {
      throw new DotenvError(`unexpected character "${character}" in the name of a variable`, at);
    }
    at += character.length - 1;
  }
  const name = text.slice(start, at).trimEnd();
  if (name === '') throw new DotenvError('a variable has no name', start);
  if (name.includes(' ')) throw new DotenvError(`the name "${name}" holds a space`, start);
  return { name, next: at + 1, inherited: at >= text.length || text[at] === '\n' };
}

function readValue(text: string, start: number, lookup: Lookup): { text: string; next: number } {
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    const value = (line.split(' #', 1)[0] ?? '').trimEnd();
    return { text: substitute(value, lookup).text, next: end === -1 ? text.length : end + 1 };
  }
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === quote) {
      return { text: quote === '"' ? substitute(expandEscapes(value), lookup).text : value, next: at + 1 };
    }
    if (character !== '\\') {
      value += character;
      continue;
    }
    const next = text[at + 1] ?? '';
    value += next === quote ? quote : `\\${next}`;
    at++;
  }
  throw new DotenvError('a quoted value has no end', start);
}

function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{1,3}))/g, (whole, letter?: string, octal?: string) => {
    if (letter !== undefined) return escapes[letter] ?? whole;
    return octal !== undefined && /^[0-3]?[0-7]{1,2}$/.test(octal)
      ? String.fromCharCode(Number.parseInt(octal, 8))
      : whole;
  });
}

/** `format: raw`: every line is `KEY=value` as it stands; no quotes, escapes or variables. */
export function parseRawEnv(text: string, into: Map<string, string>, lookup: Lookup, note?: Noter): void {
  let end = -1;
  for (const line of text.split('\n')) {
    const start = end + 1;
    end = start + line.length;
    const trimmed = line.replace(/\r$/, '').trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = trimmed.indexOf('=');
    const name = equals === -1 ? trimmed.trim() : trimmed.slice(0, equals);
    const value = equals === -1 ? lookup(name) : trimmed.slice(equals + 1);
    if (value === undefined) continue;
    into.set(name, value);
    note?.(name, start, end);
  }
}
