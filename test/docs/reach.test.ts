import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Cells by the first one, without the padding. */
function rows(table: string): ReadonlyMap<string, string> {
  const lines = table.trimEnd().split('\n');
  const width = lines[0]?.search(/\S+\s+api/) ?? 0;
  return new Map(lines.map((line) => [line.slice(0, width).trim(), line.slice(width).replace(/\s+/g, ' ').trim()]));
}

test('docs/reach.md shows what was tried, and where Docker differs', () => {
  const [ours = '', docker = ''] = [...read('docs/reach.md').matchAll(/```text\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  );
  assert.equal(ours, read('test/e2e/reach/tsstack.txt'));
  const own = rows(read('test/e2e/reach/tsstack.txt'));
  const recorded = [...rows(read('test/e2e/reach/docker.txt'))];
  assert.deepEqual(
    [...rows(docker)],
    recorded.filter(([name, cells]) => name === 'called' || own.get(name) !== cells),
  );
});
