import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

test('docs/errors.md has a row for every ErrorCode and none for another', () => {
  const source = readFileSync(`${ROOT}/src/model/error.ts`, 'utf8');
  const union = /export type ErrorCode =([^;]*);/.exec(source)?.[1] ?? '';
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 10, 'the union is found');

  assert.deepEqual(codesOf('Codes').sort(), codes.sort());
});

test('docs/errors.md has a row for every code of a problem of a stack file and none for another', () => {
  const source = readFileSync(`${ROOT}/src/spec/diagnose.ts`, 'utf8');
  const union = /export type ProblemCode =([^;]*);/.exec(source)?.[1] ?? '';
  const codes = [...union.matchAll(/'([a-z.-]+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 30, 'the union is found');
  assert.deepEqual(codesOf('Problems of a stack file').sort(), codes.sort());
});

test('every code of a problem is used by the loader', () => {
  const files = globSync('src/spec/**/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('/diagnose.ts'));
  const source = files.map((file) => readFileSync(`${ROOT}/${file}`, 'utf8')).join('\n');
  assert.deepEqual(
    codesOf('Problems of a stack file').filter((code) => !source.includes(`'${code}'`)),
    [],
  );
});

/** The codes in the first column of a section's table; each row must have its other two columns filled. */
function codesOf(section: string): string[] {
  const page = readFileSync(`${ROOT}/docs/errors.md`, 'utf8');
  const text = page.split('\n## ').find((each) => each.startsWith(section)) ?? '';
  return [...text.matchAll(/^\| `([a-z.-]+)` +\| .{10,} \| .{5,} \|$/gm)].map(([, code]) => String(code));
}
