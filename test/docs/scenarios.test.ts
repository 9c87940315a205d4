import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { sharedPath } from '../spec/shared.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SCENARIOS = sharedPath('compose/scenarios/e2e-scenarios.json');

interface Row {
  readonly id: string;
  /** Names of end-to-end tests, without the directory and the ending. */
  readonly tests: readonly string[];
  readonly note: string;
}

function rows(): readonly Row[] {
  const page = readFileSync(`${ROOT}/docs/scenarios.md`, 'utf8');
  return [...page.matchAll(/^\| `(Test\w+)` +\| (.*?) *\| (.*?) *\|$/gm)].map(([, id = '', shown = '', note = '']) => {
    const names = shown.replaceAll(/\(.*?\)/g, '').split(',');
    return { id, note, tests: names.map((name) => name.trim()).filter((name) => name !== '') };
  });
}

test('docs/scenarios.md has a row for every scenario of Compose, and no other', {
  skip: existsSync(SCENARIOS) ? false : `no ${SCENARIOS}`,
}, () => {
  const { scenarios } = JSON.parse(readFileSync(SCENARIOS, 'utf8')) as { scenarios: readonly { id: string }[] };
  assert.deepEqual(
    rows().map(({ id }) => id),
    scenarios.map(({ id }) => id),
  );
});

test('a row of docs/scenarios.md names end-to-end tests that are there, or says why there is none', () => {
  const found = rows();
  assert.ok(found.length > 0);
  for (const { id, tests, note } of found) {
    if (tests.length === 0) assert.match(note, /^(Later|Different): /, id);
    for (const name of tests) assert.ok(existsSync(`${ROOT}/test/e2e/${name}.e2e.test.ts`), `${id}: ${name}`);
    const made = tests.filter((name) => name.startsWith('scenarios-'));
    const texts = made.map((name) => readFileSync(`${ROOT}/test/e2e/${name}.e2e.test.ts`, 'utf8'));
    // `TestPreStartHook…` stands for several.
    const claimed = texts.every((text) => text.includes(id) || /TestPreStartHook/.test(id));
    assert.ok(claimed, `${id} is named by no test of ${made.join(', ')}`);
  }
});
