import assert from 'node:assert/strict';
import { test } from 'node:test';
import { positionOf } from '../../src/spec/source.ts';

/** `LINE:COLUMN+LENGTH END_LINE:END_COLUMN` of the stretch from the first `<` to the first `>`. */
function position(marked: string): string {
  const start = marked.indexOf('<');
  const end = marked.indexOf('>') - 1;
  const text = marked.replace('<', '').replace('>', '');
  const found = positionOf({ source: { path: '/x', text, index: 0 }, start, end });
  return `${found.line}:${found.column}+${found.length} ${found.end.line}:${found.end.column}`;
}

test('a position has the length of its first line, and the end of the whole token', () => {
  assert.equal(position('a: <b>\n'), '1:4+1 1:5');
  assert.equal(position('x: 1\na: <{b: 1,\n  c: 2}>\nd: 3\n'), '2:4+6 3:8');
  assert.equal(position('a: <{b: 1,\r\n  c: 2}>\r\n'), '1:4+6 2:8');
});

test('blanks behind a token are not part of it, whatever the parser says', () => {
  assert.equal(position('a:\n  <b: 1\n  c: 2\n\n>d: 3\n'), '2:3+4 3:7');
  assert.equal(position('a: <b  >\n'), '1:4+1 1:5');
});

test('what has no width is marked one column wide', () => {
  assert.equal(position('a:<>\nb: 1\n'), '1:3+1 1:4');
  assert.equal(position('a: 1\n<>'), '2:1+1 2:2');
  assert.equal(position('a: <  >\n'), '1:4+1 1:5');
});
