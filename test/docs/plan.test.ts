import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fieldPolicies, type Policy } from '../../src/planner/diff.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/plan.md'), 'utf8');
const words: Readonly<Record<string, Policy>> = {
  'in place': 'update',
  replace: 'replace',
  conflict: 'conflict',
  nothing: 'ignore',
};

/** The table below a heading: policy by field. */
function tableOf(heading: string): Map<string, Policy | undefined> {
  const section = page.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? '';
  const rows = section.matchAll(/^\| `([^`]+)` +\| (?:.*?) +\| ([a-z ]+?) +\|/gm);
  return new Map([...rows].map(([, field = '', word = '']) => [field, words[word]]));
}

const headings = { container: 'Containers', network: 'Networks', volume: 'Volumes' } as const;

for (const [kind, policies] of Object.entries(fieldPolicies())) {
  test(`docs/plan.md says of every field of a ${kind} what the planner does when it changes`, () => {
    const table = tableOf(headings[kind as keyof typeof headings]);
    for (const [field, policy] of policies) {
      // What names the resource cannot change: another one is another resource.
      if (policy === 'ignore' && !table.has(field)) continue;
      assert.equal(table.get(field), policy, `${kind} ${field}`);
    }
    assert.deepEqual(
      [...table.keys()].filter((field) => !policies.has(field)),
      [],
      'rows about no field',
    );
  });
}
