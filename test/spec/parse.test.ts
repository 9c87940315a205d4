import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEvents } from 'js-yaml';
import { Diagnostics } from '../../src/spec/diagnose.ts';
import { Limit } from '../../src/spec/limit.ts';
import { type SpecNode, toValue } from '../../src/spec/node.ts';
import { parseYaml } from '../../src/spec/parse.ts';
import type { Source } from '../../src/spec/source.ts';
import { reread } from '../../src/spec/syntax.ts';
import { type Parsed, TreeBuilder } from '../../src/spec/tree-builder.ts';
import { missingShared, sharedPath } from './shared.ts';

function source(text: string): Source {
  return { path: '/stack.yaml', text, index: 0 };
}

/** Values with the text that each place covers, to compare two readings. */
function placed(node: SpecNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === 'scalar') return [node.value, node.start];
  if (node.kind === 'seq') return node.items.map(placed);
  return [...node.entries].map(([key, entry]) => [key, entry.start, placed(entry.node)]);
}

function built(text: string, parsed: Parsed): unknown {
  try {
    return placed(new TreeBuilder(source(text), parsed, new Diagnostics()).document());
  } catch (error) {
    assert.ok(error instanceof Limit, String(error));
    return error.message;
  }
}

test('what the two readers make of real files is the same, place by place', { skip: missingShared }, () => {
  const folder = sharedPath('compose');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name));
  let compared = 0;
  for (const name of files) {
    const text = readFileSync(join(folder, name), 'utf8');
    // Block scalars begin elsewhere in the two, and long texts are not read twice.
    if (/[:-] *(?:![a-z]+ *)?[|>][-+0-9]*(?: #.*)?$/m.test(text)) continue;
    const lenient = reread(source(text));
    if (lenient === undefined || 'problems' in lenient) continue;
    let events: ReturnType<typeof parseEvents>;
    try {
      events = parseEvents(text, {});
    } catch {
      continue;
    }
    if (events.length === 0) continue;
    const [strictly, leniently] = [{ events }, lenient].map((parsed) => built(text, parsed));
    assert.deepEqual(leniently, strictly, name);
    compared += 1;
  }
  assert.ok(compared > 300, `only ${compared} of ${files.length}`);
});

test('a flow collection whose last bracket is not indented is read all the same', () => {
  const text = [
    'a: &all',
    '  b: [',
    '    x,',
    '    "y: 1", # ]',
    '  ]',
    'c: {d: 1,',
    '  e: *all',
    '}',
    'f: !!str 7',
    'g: |',
    '  two',
    '  lines',
    '',
  ].join('\n');
  const diagnostics = new Diagnostics();
  const root = parseYaml(source(text), diagnostics);
  assert.ok(root !== undefined && root !== 'broken', JSON.stringify(diagnostics.list()));
  const b = ['x', 'y: 1'];
  assert.deepEqual(JSON.parse(JSON.stringify(toValue(root))), {
    a: { b },
    c: { d: 1, e: { b } },
    f: '7',
    g: 'two\nlines\n',
  });
});
