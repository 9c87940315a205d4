import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { InvalidStackError } from '../../src/model/error.ts';
import { loadStack } from '../../src/spec/load.ts';
import { missingShared, sharedPath } from './shared.ts';

interface Expected {
  readonly expect: 'ok' | 'error';
  readonly or_expect?: 'ok';
  readonly class: string;
  readonly or_class?: string;
  readonly line: number | null;
  readonly says: readonly string[];
}

test('every bad file is answered with the class, the line and the words that are expected', {
  skip: missingShared,
}, (context) => {
  const { cases } = JSON.parse(readFileSync(sharedPath('security/bad-yaml/expected.json'), 'utf8'));
  const wrong = Object.entries(cases as Record<string, Expected>).flatMap(([file, expected]) => {
    const why = answer(file, expected);
    return why === undefined ? [] : [`${file}: ${why}`];
  });
  context.diagnostic(`bad-yaml: ${Object.keys(cases).length - wrong.length} of ${Object.keys(cases).length}`);
  assert.deepEqual(wrong, []);
});

function answer(file: string, expected: Expected): string | undefined {
  const cwd = sharedPath('security/bad-yaml');
  try {
    loadStack({ files: [file], cwd, env: {}, envFiles: [], profiles: [], services: [] });
    return expected.expect === 'ok' || expected.or_expect === 'ok' ? undefined : 'it loads';
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    const errors = error.diagnostics.filter((each) => each.severity === 'error');
    const text = errors.map((each) => `${each.message} ${each.hint ?? ''}\n${each.excerpt ?? ''}`).join('\n');
    if (/undefined|\u001b|[\u202a-\u202e]/.test(text)) return `prints what it must not: ${text}`;
    const found = errors.find((each) => each.code === expected.class || each.code === expected.or_class);
    if (found === undefined) return errors.map((each) => each.code).join(', ');
    if (expected.line !== null && found.position?.line !== expected.line) return `line ${found.position?.line}`;
    const words =
      expected.says.length === 0 || expected.says.some((word) => text.toLowerCase().includes(word.toLowerCase()));
    return words ? undefined : text;
  }
}
