import assert from 'node:assert/strict';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError } from '../../src/model/error.ts';
import type { LoadRequest } from '../../src/spec/load.ts';
import { loadText } from './load-text.ts';

/** A text, the places in it that `⟦…⟧` encloses, and the text without these marks. */
export interface Marked {
  readonly text: string;
  /** `LINE:COLUMN-LINE:COLUMN`, in order. */
  readonly places: readonly string[];
}

export function unmark(marked: string): Marked {
  const places: string[] = [];
  let text = '';
  let start = '';
  for (const character of marked) {
    if (character === '⟦') start = placeAtEnd(text);
    else if (character === '⟧') places.push(`${start}-${placeAtEnd(text)}`);
    else text += character;
  }
  return { text, places };
}

function placeAtEnd(text: string): string {
  const lines = text.split('\n');
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

export function placeOf({ position }: Diagnostic): string {
  if (position === undefined) return 'nowhere';
  const { line, column, end } = position;
  return `${line}:${column}-${end.line}:${end.column}`;
}

/** Everything that is said of a text, but for what the engine does not do yet. */
export function diagnosticsOf(text: string, request: Partial<LoadRequest> = {}): readonly Diagnostic[] {
  return withoutUnsupported(() => loadText(text, request).diagnostics);
}

function withoutUnsupported(load: () => readonly Diagnostic[]): readonly Diagnostic[] {
  let found: readonly Diagnostic[];
  try {
    found = load();
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    found = error.diagnostics;
  }
  return found.filter(({ code }) => code !== 'unsupported.key');
}

/** Asserts that a marked text has exactly the diagnostics that it marks, all of one code. */
export function assertMarked(marked: string, code: string, request: Partial<LoadRequest> = {}): void {
  const { text, places } = unmark(marked);
  assert.ok(places.length > 0, `no mark in ${marked}`);
  // One token may be wrong for several services.
  const found = [...new Set(diagnosticsOf(text, request).map((each) => `${each.code} ${placeOf(each)}`))];
  const expected = places.map((place) => `${code} ${place}`);
  assert.deepEqual(found, expected, marked);
}
