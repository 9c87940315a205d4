import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test("README's table has a row for every command, and no other", () => {
  const readme = readFileSync(`${ROOT}/README.md`, 'utf8');
  const rows = [...readme.matchAll(/^\| `tsstack ([a-z-]+)[^|]*` +\| \S/gm)].map(([, name]) => name);
  assert.deepEqual(rows.toSorted(), Object.keys(COMMANDS).toSorted());
});

test('docs/cli.md has a row for every command', () => {
  const page = readFileSync(`${ROOT}/docs/cli.md`, 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  for (const name of Object.keys(COMMANDS)) {
    assert.ok(
      table.some((line) => new RegExp(`\`${name}(?: [^\`]*)?\``).test(line)),
      name,
    );
  }
});

test('every command says what it does in a line, and shows it in examples of its own', async () => {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const { command } = await load();
    assert.equal(command.name, name);
    assert.ok(summary.length > 0 && command.summary.length > 0, name);
    assert.ok(command.examples.length > 0, name);
    for (const { command: line, does } of command.examples) {
      assert.match(line, new RegExp(`^tsstack (?:-\\S+ \\S+ )*(?:--dry-run )?${name}\\b`), line);
      assert.ok(does.length > 0, line);
    }
  }
});
