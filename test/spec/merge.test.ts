import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Diagnostics } from '../../src/spec/diagnose.ts';
import { mergeFiles } from '../../src/spec/merge.ts';
import { toValue } from '../../src/spec/node.ts';
import { parseYaml } from '../../src/spec/parse.ts';
import { settle } from '../../src/spec/settle.ts';
import { missingShared, sharedPath } from './shared.ts';

function mergeTexts(...texts: readonly string[]): unknown {
  const diagnostics = new Diagnostics();
  const trees = texts.map((text, index) => parseYaml({ path: `file-${index}`, text, index }, diagnostics));
  const [base, ...overs] = trees.flatMap((tree) => (tree === undefined || tree === 'broken' ? [] : [tree]));
  assert.ok(base !== undefined);
  const merged = overs.reduce((below, over) => mergeFiles(below, over, diagnostics), settle(base));
  return diagnostics.hasErrors ? undefined : JSON.parse(JSON.stringify(toValue(merged)));
}

test('every case of the table merge gives the expected model', { skip: missingShared }, (context) => {
  const { cases } = JSON.parse(readFileSync(sharedPath('compose/loader/tables/merge.json'), 'utf8'));
  const wrong: string[] = [];
  for (const each of cases) {
    const got = mergeTexts(each.base, each.override);
    if (isDeepStrictEqual(got, each.error === true ? undefined : each.expect)) continue;
    wrong.push(`${each.id}: ${JSON.stringify(got)} is not ${JSON.stringify(each.expect)}`);
  }
  context.diagnostic(`merge: ${cases.length - wrong.length} of ${cases.length}`);
  assert.deepEqual(wrong, []);
});

test('!reset takes a value away and !override replaces it', () => {
  const base = 'services: {a: {ports: ["1:1"], environment: {A: x}, command: b}}';
  const over = 'services: {a: {ports: !override ["2:2"], command: !reset null}}';
  assert.deepEqual(mergeTexts(base, over), { services: { a: { ports: ['2:2'], environment: { A: 'x' } } } });
});

test('a list over a mapping is refused', () => {
  assert.equal(mergeTexts('services: {a: {deploy: {}}}', 'services: {a: {deploy: []}}'), undefined);
});
