import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

test('docs/errors.md has a row for every ErrorCode and none for another', () => {
  const source = readFileSync(`${ROOT}/src/model/error.ts`, 'utf8');
  const union = /export type ErrorCode =([^;]*);/.exec(source)?.[1] ?? '';
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 10, 'the union is found');

  const page = readFileSync(`${ROOT}/docs/errors.md`, 'utf8');
  const rows = [...page.slice(page.indexOf('## Codes')).matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, code]) => code);
  assert.deepEqual(rows.sort(), codes.sort());
});
