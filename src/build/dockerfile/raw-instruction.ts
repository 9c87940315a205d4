import type { Heredoc } from './instruction.ts';
import type { LineReader } from './lines.ts';
import { Problem } from './problems.ts';
import { expandWord } from './words.ts';

/** A word and where it begins in the text of its instruction. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** An instruction cut into keyword, flags and the rest. */
export interface RawInstruction {
  /** In upper case. */
  readonly keyword: string;
  /** `--name=value`, quotes and escapes taken away. */
  readonly flags: readonly Word[];
  /** Without blanks at both ends. */
  readonly rest: Word;
  readonly heredocs: readonly Heredoc[];
  readonly escapeCharacter: string;
  /** The whole text, without heredocs. */
  readonly text: string;
}

const HEREDOCS = new Set(['ADD', 'COPY', 'RUN']);
const NOTHING = (): undefined => undefined;

/** BuildKit's splitCommand() and extractBuilderFlags(); heredocs are read from `reader`. Throws a `Problem`. */
export function cutInstruction(text: string, escapeCharacter: string, reader: LineReader): RawInstruction {
  const body = text.trimEnd();
  const start = skipBlanks(body, 0);
  const blank = body.slice(start).search(/[\t\v\f\r ]/);
  const keyword = (blank === -1 ? body.slice(start) : body.slice(start, start + blank)).toUpperCase();
  const { flags, end } = flagsOf(body, blank === -1 ? body.length : start + blank, escapeCharacter);
  const restStart = skipBlanks(body, end);
  const raw = { keyword, flags, rest: { text: body.slice(restStart), offset: restStart }, escapeCharacter, text: body };
  return { ...raw, heredocs: heredocsOf(raw, reader) };
}

function flagsOf(text: string, start: number, escapeCharacter: string): { flags: readonly Word[]; end: number } {
  const flags: Word[] = [];
  for (let at = start; ; ) {
    at = skipBlanks(text, at);
    if (!text.startsWith('--', at)) return { flags, end: at };
    const offset = at;
    let flag = '';
    let quote = '';
    for (; at < text.length && (quote !== '' || !isBlank(text[at])); at += 1) {
      const character = text[at] ?? '';
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else if (character !== escapeCharacter) flag += character;
      else {
        at += 1;
        flag += text[at] ?? '';
      }
    }
    if (flag === '--') return { flags, end: Math.min(at, text.length) };
    flags.push({ text: flag, offset });
  }
}

/** Reads the lines that `<<NAME` in an instruction asks for, in its order. */
function heredocsOf(raw: Omit<RawInstruction, 'heredocs'>, reader: LineReader): readonly Heredoc[] {
  if (!raw.text.includes('<<')) return [];
  const keyword = raw.keyword === 'ONBUILD' ? (raw.rest.text.split(/\s/, 1)[0] ?? '').toUpperCase() : raw.keyword;
  if (!HEREDOCS.has(keyword) || jsonArray(raw.rest.text) !== undefined) return [];
  return marksOf(raw.text).map((mark) => ({ ...mark, content: contentOf(mark, reader) }));
}

function marksOf(text: string): readonly Omit<Heredoc, 'content'>[] {
  let words: readonly string[];
  try {
    const options = { escapeCharacter: '\\', rawQuotes: true, rawEscapes: true, skipUnset: true };
    words = expandWord(text, NOTHING, options).words;
  } catch {
    // A shell command may have quotes that mean something only to its shell.
    return [];
  }
  return words.flatMap((word) => heredocMark(word) ?? []);
}

/** `<<NAME`, `<<-NAME`, with a number before it for the descriptor; undefined: it is another word. Throws a `Problem`. */
export function heredocMark(word: string): Omit<Heredoc, 'content'> | undefined {
  const [, dash, rest = ''] = /^\d*<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  if (rest === '') return undefined;
  let plain: readonly string[];
  try {
    plain = expandWord(rest, NOTHING, { escapeCharacter: '\\', skipUnset: true }).words;
  } catch (error) {
    throw new Problem(`${JSON.stringify(word)}: ${(error as Error).message}`, 'Close the quotes of the heredoc');
  }
  const [name, ...more] = plain;
  if (name === undefined || more.length > 0) return undefined;
  return { name, chomp: dash === '-', expand: !/['"]/.test(rest) };
}

function contentOf({ name, chomp }: Omit<Heredoc, 'content'>, reader: LineReader): string {
  const lines: string[] = [];
  for (let line = reader.rawLine(); line !== undefined; line = reader.rawLine()) {
    const ending = line.endsWith('\r') ? line.slice(0, -1) : line;
    if ((chomp ? ending.replace(/^\t+/, '') : ending) === name) return lines.map((each) => `${each}\n`).join('');
    lines.push(line);
  }
  throw new Problem(`the heredoc ${JSON.stringify(name)} has no end`, `Put ${name} on a line of its own behind it`);
}

/** Words between blanks, without regard to quotes: of FROM, EXPOSE, COPY. */
export function plainWords({ text, offset }: Word): readonly Word[] {
  return [...text.matchAll(/[^\t\v\f\r ]+/g)].map((match) => ({ text: match[0], offset: offset + match.index }));
}

/** Words between blanks that are not quoted; quotes and escapes stay in them: of ENV, LABEL, ARG. */
export function quotedWords({ text, offset }: Word, escapeCharacter: string): readonly Word[] {
  const words: Word[] = [];
  for (let at = 0; ; ) {
    while (at < text.length && isBlank(text[at])) at += 1;
    if (at >= text.length) return words;
    const start = at;
    let quote = '';
    let word = '';
    for (; at < text.length && (quote !== '' || !isBlank(text[at])); at += 1) {
      const character = text[at] ?? '';
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      if (character === escapeCharacter && quote !== "'") {
        at += 1;
        // The escape character at the very end is left out.
        word += at < text.length ? character + text[at] : '';
      } else word += character;
    }
    words.push({ text: word, offset: offset + start });
  }
}

/** A JSON array of strings. undefined: it is none, and means something else. Throws a `Problem` for other elements. */
export function jsonArray(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (value.every((item) => typeof item === 'string')) return value;
  throw new Problem('an array in JSON form holds something other than strings', 'Put each element in double quotes');
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text[at])) at += 1;
  return at;
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}
