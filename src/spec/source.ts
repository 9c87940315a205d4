import type { Position } from '../model/diagnostic.ts';
import type { Lookup } from './template.ts';

/** What the words of a file mean: an included or extended one has a directory, and may have variables, of its own. */
export interface Scope {
  /** Absolute; relative paths of the file begin here. */
  readonly directory: string;
  /** Absolute; the directory of the stack or include that the file is a part of. */
  readonly project: string;
  readonly lookup: Lookup;
}

/** A text that was read, with its place in the order of reading. */
export interface Source {
  /** Absolute path, or `<stdin>`. */
  readonly path: string;
  readonly text: string;
  /** Order of reading: diagnostics are shown in file order. */
  readonly index: number;
  /** Of a stack file. */
  readonly scope?: Scope;
  /** Offset of the first code unit of each line; filled on first use. */
  lineStarts?: number[];
}

/** A stretch of a source: half-open, in UTF-16 code units. */
export interface Origin {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** A place alone, without what else is known of it. */
export function originOf({ source, start, end }: Origin): Origin {
  return { source, start, end };
}

function lineStartsOf(source: Source): number[] {
  if (source.lineStarts !== undefined) return source.lineStarts;
  const starts = [0];
  for (let at = source.text.indexOf('\n'); at !== -1; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1);
  source.lineStarts = starts;
  return starts;
}

function lineIndexAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Line and column (from 1) of an origin and of its end; the length stops at the end of its first line. */
export function positionOf(origin: Origin): Position {
  const { source } = origin;
  const starts = lineStartsOf(source);
  const start = Math.min(origin.start, source.text.length);
  const first = placeAt(starts, start);
  const end = trimmedEnd(source.text, start, origin.end);
  const length = Math.max(1, Math.min(end, lineEndAt(source, starts, first.line)) - start);
  // Of nothing (an end of file, say) one column is marked.
  const last = end > start ? placeAt(starts, end) : { line: first.line, column: first.column + length };
  return { file: source.path, ...first, length, end: last };
}

function placeAt(starts: readonly number[], offset: number): { line: number; column: number } {
  const line = lineIndexAt(starts, offset);
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}

function lineEndAt(source: Source, starts: readonly number[], line: number): number {
  const end = (starts[line] ?? source.text.length + 1) - 1;
  return source.text[end - 1] === '\r' ? end - 1 : end;
}

/** The YAML parser counts what is blank behind a block to it. */
function trimmedEnd(text: string, start: number, end: number): number {
  let trimmed = Math.min(end, text.length);
  while (trimmed > start && ' \t\r\n'.includes(text[trimmed - 1] ?? '')) trimmed--;
  return trimmed;
}

/** One line of a source without its line break, by number from 1; empty beyond the end. */
export function lineText(source: Source, line: number): string {
  const starts = lineStartsOf(source);
  const start = starts[line - 1];
  if (start === undefined) return '';
  return source.text.slice(start, (starts[line] ?? source.text.length + 1) - 1).replace(/\r$/, '');
}

export function lineCount(source: Source): number {
  return lineStartsOf(source).length;
}
