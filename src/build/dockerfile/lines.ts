import type { Position } from '../../model/diagnostic.ts';
import { Problem } from './problems.ts';

/** Bytes of a Dockerfile. BuildKit bounds its lines only, at 64 KiB. */
const MAX_SIZE = 1 << 20;
const MAX_LINE = 65_536;
const MAX_DIRECTIVE = 1000;
const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const DIRECTIVES = new Set(['syntax', 'escape', 'check']);

/** Part of a logical line, where it begins in it and where it was written. */
interface Piece {
  readonly start: number;
  readonly line: number;
  readonly column: number;
}

/** One instruction's text: lines joined, comments between them left out. */
export interface LogicalLine {
  readonly text: string;
  readonly position: (offset: number, length?: number) => Position;
}

/**
 * The lines of a Dockerfile, as BuildKit joins them (frontend/dockerfile/parser/parser.go). Throws a `Problem` whose
 * offset is a line number for a file that is too large or a wrong parser directive.
 */
export class LineReader {
  readonly directives = new Map<string, string>();
  readonly #file: string;
  readonly #lines: readonly string[];
  #next = 0;
  #inDirectives = true;
  #continuation = continuationOf('\\');

  constructor(text: string, file: string) {
    if (text.length > MAX_SIZE) {
      throw new Problem(`the file has ${text.length} characters; the limit is ${MAX_SIZE}`, 'Copy data in with COPY');
    }
    this.#file = file;
    this.#lines = text.replace(/^\uFEFF/, '').split('\n');
    if (this.#lines.at(-1) === '') this.#lines = this.#lines.slice(0, -1);
  }

  get escapeCharacter(): string {
    return this.directives.get('escape') ?? '\\';
  }

  /** The number of the line that was read last, from 1. */
  get lineNumber(): number {
    return this.#next;
  }

  /** A line as it stands, without its line break: of a heredoc. undefined: there is none. */
  rawLine(): string | undefined {
    const line = this.#lines[this.#next];
    if (line !== undefined) this.#next += 1;
    return line;
  }

  /** The next instruction; undefined: there is none. */
  logicalLine(): LogicalLine | undefined {
    for (;;) {
      const raw = this.rawLine();
      if (raw === undefined) return undefined;
      const line = trimBreak(raw).trimStart();
      if (this.#inDirectives) this.#directive(line);
      if (line.startsWith('#') || line === '') continue;
      const joined = this.#join(line, trimBreak(raw).length - line.length);
      if (joined.text !== '') return joined;
    }
  }

  position(line: number, column: number, length = 1): Position {
    const width = Math.max(1, Math.min(length, trimBreak(this.#lines[line - 1] ?? '').length - column + 1));
    return { file: this.#file, line, column, length: width, end: { line, column: column + width } };
  }

  #directive(line: string): void {
    const match = line.length > MAX_DIRECTIVE ? null : DIRECTIVE.exec(line);
    const name = match?.[1]?.toLowerCase() ?? '';
    if (match === null || !DIRECTIVES.has(name)) {
      this.#inDirectives = false;
      return;
    }
    const value = match[2] ?? '';
    if (this.directives.has(name)) throw new Problem(`a second parser directive "${name}"`, 'Take one of them away');
    if (name === 'escape' && value !== '`' && value !== '\\') {
      throw new Problem(`the escape character ${JSON.stringify(value)}`, 'It is \\ or `');
    }
    this.directives.set(name, value);
    this.#continuation = continuationOf(this.escapeCharacter);
  }

  #join(first: string, indent: number): LogicalLine {
    const pieces: Piece[] = [{ start: 0, line: this.#next, column: indent + 1 }];
    let { text, goesOn } = this.#cut(first);
    const parts = [text];
    let length = text.length;
    while (goesOn) {
      const raw = this.rawLine();
      if (raw === undefined) break;
      const line = trimBreak(raw);
      if (line.trimStart().startsWith('#') || line.trim() === '') continue;
      ({ text, goesOn } = this.#cut(line));
      pieces.push({ start: length, line: this.#next, column: 1 });
      parts.push(text);
      length += text.length;
    }
    return {
      text: parts.join(''),
      position: (offset, width) => {
        const piece = pieces.findLast(({ start }) => start <= offset) ?? pieces[0];
        const { start, line, column } = piece ?? { start: 0, line: 1, column: 1 };
        return this.position(line, column + offset - start, width);
      },
    };
  }

  #cut(line: string): { text: string; goesOn: boolean } {
    if (line.length > MAX_LINE) throw new Problem(`a line of ${line.length} characters; the limit is ${MAX_LINE}`);
    const text = this.#continuation(line);
    return { text: text ?? line, goesOn: text !== undefined };
  }
}

/** The escape character at the end of a line joins it with the next, unless another one is before it. */
function continuationOf(escapeCharacter: string): (line: string) => string | undefined {
  return (line) => {
    const end = trimEndOf(line, ' \t');
    if (!end.endsWith(escapeCharacter) || end.at(-2) === escapeCharacter) return undefined;
    return end.slice(0, -1);
  };
}

function trimBreak(line: string): string {
  return trimEndOf(line, '\r');
}

/** By hand: a regular expression for it takes the square of the length. */
function trimEndOf(line: string, characters: string): string {
  let end = line.length;
  while (end > 0 && characters.includes(line[end - 1] ?? '')) end -= 1;
  return line.slice(0, end);
}
