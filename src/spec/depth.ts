import { CST } from 'yaml';

/** Levels of nesting that a file may have; real stack files have ten. */
const mostLevels = 100;
/** Marks of the lexer that stand for no text: document start, end of an open flow collection, "a scalar follows". */
const marks = new Set(['\u0002', '\u0018', '\u001f']);

/**
 * Offset of the first token that is nested deeper than 100 levels, or undefined. It runs on the tokens of the lexer,
 * which does not recurse, because the parser behind it does and overflows its stack.
 */
export function checkDepth(lexemes: readonly string[]): number | undefined {
  let offset = 0;
  let lineStart = 0;
  let flowLevels = 0;
  let scalar = false;
  const columns: number[] = [];
  for (const lexeme of lexemes) {
    if (marks.has(lexeme)) {
      scalar = lexeme === '\u001f';
      continue;
    }
    const type = scalar ? 'scalar' : CST.tokenType(lexeme);
    if (type === 'flow-map-start' || type === 'flow-seq-start') flowLevels++;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') flowLevels = Math.max(0, flowLevels - 1);
    else if (flowLevels === 0 && (scalar || type === 'seq-item-ind' || type === 'explicit-key-ind')) {
      enter(columns, offset - lineStart);
    }
    if (flowLevels + columns.length > mostLevels) return offset;
    const lastBreak = lexeme.lastIndexOf('\n');
    if (lastBreak !== -1) lineStart = offset + lastBreak + 1;
    offset += lexeme.length;
    scalar = false;
  }
  return undefined;
}

function enter(columns: number[], column: number): void {
  while ((columns.at(-1) ?? -1) > column) columns.pop();
  if (columns.at(-1) !== column) columns.push(column);
}
