import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type ExplainedValue, loadExplainable } from '../../src/spec/explain/explain.ts';
import { leavesOf, pathText } from '../../src/spec/explain/path.ts';
import type { Dict } from '../../src/spec/node.ts';
import { folders, missingShared } from './shared.ts';

test('every value of the corpus of stacks is explained by a text that says it', { skip: missingShared }, (context) => {
  const wrong: string[] = [];
  let values = 0;
  for (const folder of folders('compose/stacks')) {
    for (const explained of explainedValues(folder)) {
      values += 1;
      if (!tells(explained)) wrong.push(`${basename(folder)} ${explained.path}: ${explained.sources[0]?.text}`);
    }
  }
  context.diagnostic(`${values} values`);
  assert.ok(values > 10_000, `${values} values`);
  assert.deepEqual(wrong, []);
});

/** Each leaf of the model of a case, explained alone. */
function explainedValues(folder: string): readonly ExplainedValue[] {
  const { args, error } = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8'));
  if (error === true) return [];
  const scratch = mkdtempSync(join(tmpdir(), 'explain-'));
  try {
    cpSync(join(folder, 'proj'), scratch, { recursive: true, verbatimSymlinks: true });
    const { files = [], profiles = [], services = [], env = {} } = args;
    const whole = { files, cwd: scratch, env: { HOME: '/home/user', ...env }, envFiles: [], profiles, services };
    const { result, explain } = loadExplainable(whole);
    const { leaves } = leavesOf({ path: [], values: [result.model as Dict] }, 1_000_000);
    return leaves.flatMap(({ path, values }) => {
      const text = pathText(path);
      const { value, values: found } = explain(text);
      assert.deepEqual(value, values.at(-1), text);
      return found;
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Whether the winner's text holds the value, in one of the forms that are brought to the canonical one. */
function tells({ path, value, rule, sources: [source] }: ExplainedValue): boolean {
  if (rule !== 'written') return true;
  if (source === undefined) return false;
  const { text } = source;
  // Where a short form says it with another word, `ro` or by its mere presence.
  if (typeof value === 'object' || value === true || /\.volumes\[\d+\]\.type$/.test(path)) return true;
  const plain = (each: string) => each.replaceAll(/[\s"'\\=:>-]|#.*/g, '').toLowerCase();
  const said = String(value);
  // A bare name has the value of its variable.
  if (source.variables.some((variable) => variable.value === said)) return true;
  if (text.includes('$') || plain(text).includes(plain(said))) return true;
  if (said.startsWith('/')) return /^["']?\.{1,2}\/?["']?(:|$)/.test(text) || text.includes(basename(said));
  if (/^(\d+h)?(\d+m)?(\d+s)?$/.test(said)) return /\d+(\.\d+)?\s*[smh]/.test(text);
  const isRange = /\.(ports)\[\d+\]\./.test(path) && /\d-\d/.test(text);
  return isRange || (/^\d+$/.test(said) && /^["']?\d+(\.\d+)?\s*[kmg]?i?b?["']?$/i.test(text)) || said === 'CMD-SHELL';
}
