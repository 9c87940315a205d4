import { compilePattern, replace, trimPrefix, trimSuffix } from './shell-pattern.ts';

/** undefined: the variable is not set. */
export type Lookup = (name: string) => string | undefined;

export interface WordOptions {
  readonly escapeCharacter: string;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes are characters like others: a file's content. */
  readonly skipQuotes?: boolean;
  /** What names a variable that is not set stays as it is. */
  readonly skipUnset?: boolean;
}

export interface Expanded {
  readonly text: string;
  /** The text split at blanks that were not quoted. */
  readonly words: readonly string[];
  /** Names that were looked up and are set. */
  readonly read: ReadonlySet<string>;
  /** Names that were looked up and are not. */
  readonly missing: ReadonlySet<string>;
}

/** `${a:-${b:-…` within each other. */
const MAX_DEPTH = 100;
const END = '';
/** The special parameters of POSIX, XCU 2.5.2: never set in a Dockerfile. */
const SPECIAL = '@*#?-$!0';

/**
 * Variables, quotes and escapes of one text, as BuildKit does them (frontend/dockerfile/shell/lex.go, the reference for
 * every rule here). Throws an `Error` that says what is wrong in the text.
 */
export function expandWord(text: string, lookup: Lookup, options: WordOptions): Expanded {
  const lexer = new Lexer(text, lookup, options);
  const result = lexer.until(END, options.rawEscapes === true);
  return { ...result, read: lexer.read, missing: lexer.missing };
}

/** Collects words: a blank that was not quoted ends one. */
class Words {
  readonly #done: string[] = [];
  #word = '';
  #inWord = false;

  add(character: string): void {
    if (!isBlank(character)) this.addRaw(character);
    else if (this.#inWord && this.#word !== '') {
      this.#done.push(this.#word);
      this.#word = '';
      this.#inWord = false;
    }
  }

  addRaw(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  all(): readonly string[] {
    return this.#word === '' ? this.#done : [...this.#done, this.#word];
  }
}

class Lexer {
  readonly read = new Set<string>();
  readonly missing = new Set<string>();
  readonly #characters: readonly string[];
  readonly #lookup: Lookup;
  readonly #options: WordOptions;
  #rawEscapes = false;
  #at = 0;
  #depth = 0;

  constructor(text: string, lookup: Lookup, options: WordOptions) {
    this.#characters = [...text];
    this.#lookup = lookup;
    this.#options = options;
  }

  /** As far as `stop`, which is taken; with `END` as far as the end. */
  until(stop: string, rawEscapes: boolean): { text: string; words: readonly string[] } {
    const before = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    const words = new Words();
    let text = '';
    for (let character = this.#peek(); character !== END; character = this.#peek()) {
      if (character === stop) {
        this.#next();
        this.#rawEscapes = before;
        return { text, words: words.all() };
      }
      text += this.#piece(character, words);
    }
    if (stop !== END) throw new Error(`the "${stop}" that ends an expression is missing`);
    this.#rawEscapes = before;
    return { text, words: words.all() };
  }

  #piece(character: string, words: Words): string {
    const { escapeCharacter, skipQuotes } = this.#options;
    if (character === '$') {
      const value = this.#dollar();
      for (const each of value) words.add(each);
      return value;
    }
    if (character === '<' || (skipQuotes !== true && (character === "'" || character === '"'))) {
      const value =
        character === '<' ? this.#heredocMark() : character === "'" ? this.#singleQuoted() : this.#doubleQuoted();
      words.addRaw(value);
      return value;
    }
    this.#next();
    if (character !== escapeCharacter) {
      words.add(character);
      return character;
    }
    const kept = this.#rawEscapes ? character : '';
    const escaped = this.#next();
    if (kept + escaped !== '') words.addRaw(kept + escaped);
    return kept + escaped;
  }

  #singleQuoted(): string {
    const quote = this.#keepQuote();
    let text = quote;
    for (;;) {
      const character = this.#next();
      if (character === END) throw new Error('a single quote has no end');
      if (character === "'") return text + quote;
      text += character;
    }
  }

  #doubleQuoted(): string {
    const quote = this.#keepQuote();
    let text = quote;
    for (;;) {
      const character = this.#peek();
      if (character === END) throw new Error('a double quote has no end');
      if (character === '$') {
        text += this.#dollar();
        continue;
      }
      this.#next();
      if (character === '"') return text + quote;
      if (character !== this.#options.escapeCharacter) text += character;
      else text += this.#escapedInQuotes(character);
    }
  }

  /** Within double quotes an escape counts before `"`, `$` and itself only. */
  #escapedInQuotes(escapeCharacter: string): string {
    const kept = this.#rawEscapes ? escapeCharacter : '';
    const next = this.#peek();
    if (next === END) return kept;
    return kept + (next === '"' || next === '$' || next === escapeCharacter ? this.#next() : escapeCharacter);
  }

  #keepQuote(): string {
    const quote = this.#next();
    return this.#options.rawQuotes === true ? quote : '';
  }

  /** `<< EOF` is one word: blanks behind the mark belong to it. */
  #heredocMark(): string {
    this.#next();
    if (this.#peek() !== '<') return '<';
    let text = `<${this.#next()}`;
    while ([' ', '\t', '\r'].includes(this.#peek())) text += this.#next();
    return text;
  }

  #dollar(): string {
    this.#next();
    if (this.#peek() !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      const value = this.#value(name);
      return value === undefined && this.#options.skipUnset === true ? `$${name}` : (value ?? '');
    }
    this.#next();
    const first = this.#peek();
    if (first === END) throw unended();
    if (first === '{' || first === '}' || first === ':') throw new Error('"${" is not followed by a name');
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} expressions within each other`);
    const text = this.#braced(this.#name());
    this.#depth -= 1;
    return text;
  }

  #braced(name: string): string {
    const operator = this.#next();
    if (operator === '}') {
      const value = this.#value(name);
      return value === undefined && this.#options.skipUnset === true ? `\${${name}}` : (value ?? '');
    }
    if (operator === '/') return this.#replaced(name);
    const orEmpty = operator === ':';
    const action = orEmpty ? this.#next() : operator;
    const pattern = action === '#' || action === '%';
    if (!'+-?#%'.includes(action) || action === END || (orEmpty && pattern)) {
      throw new Error(
        operator === END ? unended().message : `"${orEmpty ? ':' : ''}${action}" is no operator of "\${${name}…}"`,
      );
    }
    const word = this.until('}', pattern).text;
    const value = this.#value(name);
    if (value === undefined && this.#options.skipUnset === true) {
      return `\${${name}${orEmpty ? ':' : ''}${action}${word}}`;
    }
    if (pattern) return trimmed(value ?? '', action, word);
    const isThere = value !== undefined && !(orEmpty && value === '');
    if (action === '-') return isThere ? value : word;
    if (action === '+') return isThere ? word : '';
    if (isThere) return value;
    throw new Error(`${name}: ${word || `must not be ${value === undefined ? 'unset' : 'empty'}`}`);
  }

  #replaced(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#next();
    const pattern = this.until('/', true).text;
    const text = this.until('}', true).text;
    const value = this.#value(name);
    if (value === undefined && this.#options.skipUnset === true) return `\${${name}/${pattern}/${text}}`;
    return replace(value ?? '', compilePattern(pattern), { text, all });
  }

  /** Letters, digits and `_`; or digits alone; or one special parameter. */
  #name(): string {
    const first = this.#peek();
    if (SPECIAL.includes(first) && first !== END && !(first === '0' && isDigit(this.#peek(1)))) return this.#next();
    const digitsOnly = isDigit(first);
    let name = '';
    for (let next = this.#peek(); digitsOnly ? isDigit(next) : /^[\p{L}\p{Nd}_]$/u.test(next); next = this.#peek()) {
      name += this.#next();
    }
    return name;
  }

  #value(name: string): string | undefined {
    const value = this.#lookup(name);
    (value === undefined ? this.missing : this.read).add(name);
    return value;
  }

  #peek(ahead = 0): string {
    return this.#characters[this.#at + ahead] ?? END;
  }

  #next(): string {
    const character = this.#peek();
    this.#at += 1;
    return character;
  }
}

function trimmed(value: string, action: string, word: string): string {
  const greedy = word.startsWith(action);
  const tokens = compilePattern(greedy ? word.slice(1) : word);
  return action === '%' ? trimSuffix(value, tokens, greedy) : trimPrefix(value, tokens, greedy);
}

function unended(): Error {
  return new Error('the "}" of a "${" is missing');
}

function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character);
}

function isBlank(character: string): boolean {
  return /^\s$/.test(character);
}
