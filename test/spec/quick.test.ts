import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Diagnostics } from '../../src/spec/diagnose.ts';
import type { SpecNode } from '../../src/spec/node.ts';
import { parseFully } from '../../src/spec/parse-fully.ts';
import { readQuickly } from '../../src/spec/quick/read.ts';
import { type Origin, positionOf } from '../../src/spec/source.ts';
import { mutateText, Random } from './mutate.ts';
import { missingShared, sharedPath } from './shared.ts';

/** A tree with all that later stages see of it: values, texts, tags, what would be marked. */
function dump(node: SpecNode): unknown {
  if (node.kind === 'scalar') return [node.value, node.text, mark(node), node.tag ?? null];
  if (node.kind === 'seq') return [mark(node), node.items.map(dump), node.tag ?? null];
  const entries = [...node.entries].map(([key, entry]) => [key, mark(entry), dump(entry.node)]);
  return [mark(node), entries, node.tag ?? null, node.aside ?? []];
}

function mark(origin: Origin): string {
  const { line, column, length } = positionOf(origin);
  return `${line}:${column}+${length}`;
}

/** Whether the text is read quickly; if so, it must be as the full parser reads it, without any problem. */
function isQuick(text: string): boolean {
  const quick = readQuickly({ path: 'quick', text, index: 0 });
  if (quick === undefined) return false;
  const diagnostics = new Diagnostics();
  const full = parseFully({ path: 'full', text, index: 0 }, diagnostics);
  assert.deepEqual(diagnostics.list(), [], text);
  assert.ok(full !== undefined && full !== 'broken', text);
  assert.deepEqual(dump(quick), dump(full), text);
  return true;
}

test('the everyday forms of YAML are read quickly, and as the full parser reads them', () => {
  const texts = [
    'a: 1\n',
    '---\n# first\na: b # behind\n\nc:\n  d: "e"\n',
    'a:\n- b\n- c: d\n  e: f\n-\n  g: h\ni: j\n',
    'a:\n  - [1, 2.5, -3, x y, "z", [], {}]\n  - {a: b, "c": \'d\', e: [f]}\n',
    'a: [\n  b, # c\n  d,\n]\nc: {\n  x: 1,\n  y: 2\n}\n',
    'a: ~\nb: null\nc: true\nd: False\ne: 010\nf: 1.10\ng: 80:80\nh: 1.2.3\ni: no\nj: .5\nk: +1\n',
    "a: 'it''s'\nb: \"x\\ny\\\\z\"\nc: a#b\nd: http://x:1/y?z=1&w=%20\n",
    'a: |\n  text\n   more\n\n  last\nb: |-\n  x\n\nc: d\n',
    'x: &x\n  a: 1\ny: &y [1]\nz: &z w\nm: {b: *z}\nn:\n  <<: *x\n  c: *y\no:\n  <<: [*x, *x]\n  a: 2\n',
    'a:\nb:  \nc: # nothing\nd:\n  - \n  -\n',
    'deploy:\n  labels:\n    traefik.http.routers.x-y.rule: Host(`x`) && Path(`/y`)\n',
    'a: b',
  ];
  for (const text of texts) assert.ok(isQuick(text), `not quick: ${text}`);
});

test('what is rare, ambiguous or wrong is left to the full parser', () => {
  const texts = [
    '',
    '# only a comment\n',
    'a',
    '- a\nb: c\n',
    'a: b\na: c\n',
    'a: b: c\n',
    'a: !reset x\n',
    'a: >\n  folded\n',
    'a: |2\n    x\n',
    'a: b\n  c\n',
    'a: "b\n  c"\n',
    'a: *unknown\n',
    'a: &a [*a]\n',
    'a: {<<: *b}\n',
    'a: [b: c]\n',
    '1: a\n',
    'true: a\n',
    '? a\n: b\n',
    'a: 0x10\n',
    'a: 1e3\n',
    'a: .inf\n',
    '\ta: b\n',
    'a: b\r\n',
    'a: x\u00a0\n',
    'a: b\n---\nc: d\n',
    'a: b\n...\n',
    `a: ${'['.repeat(60)}${']'.repeat(60)}\n`,
    '%YAML 1.2\n---\na: b\n',
  ];
  for (const text of texts) {
    assert.equal(readQuickly({ path: 'quick', text, index: 0 }), undefined, JSON.stringify(text));
  }
});

test('aliases that repeat too much are left to the full parser', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 6; level++) {
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  }
  assert.equal(readQuickly({ path: 'quick', text: `${lines.join('\n')}\n`, index: 0 }), undefined);
});

test('every example is read quickly', () => {
  const root = resolve(import.meta.dirname, '../..');
  const files = globSync('examples/**/*.{yaml,yml}', { cwd: root });
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(isQuick(readFileSync(join(root, file), 'utf8')), file);
});

test('damaged stacks are read quickly only where the full parser sees the same', { skip: missingShared }, (context) => {
  const random = new Random(1);
  let quick = 0;
  const files = globSync('compose/stacks/*/proj/**/*.{yaml,yml}', { cwd: sharedPath() });
  for (const file of files) {
    const original = readFileSync(sharedPath(file), 'utf8');
    for (let round = 0; round < 8; round++) {
      let text = original;
      for (let left = round === 0 ? 0 : 1 + random.below(2); left > 0; left--) text = mutateText(text, random);
      if (isQuick(text)) quick++;
    }
  }
  context.diagnostic(`read quickly: ${quick} of ${files.length * 8}`);
  assert.ok(quick > files.length * 2);
});
