import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError, TsstackError } from '../../src/model/error.ts';
import { loadStack } from '../../src/spec/load.ts';
import { mutateBytes, Random } from './mutate.ts';
import { folders, missingShared } from './shared.ts';

const rounds = 4;

test('a damaged stack either loads or gives diagnostics that point into the file and make sense', {
  skip: missingShared,
}, (context) => {
  const random = new Random(20_260_101);
  const scratch = mkdtempSync(join(tmpdir(), 'mutations-'));
  const file = join(scratch, 'stack.yaml');
  const counts = { loaded: 0, refused: 0 };
  try {
    for (const folder of folders('compose/stacks')) {
      const original = readFileSync(stackFile(join(folder, 'proj')));
      for (let round = 0; round < rounds; round++) {
        let bytes: Buffer = original;
        for (let left = 1 + random.below(3); left > 0; left--) bytes = mutateBytes(bytes, random);
        writeFileSync(file, bytes);
        counts[outcome(file, join(folder, 'proj'))]++;
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  context.diagnostic(`damaged stacks: ${counts.loaded} loaded, ${counts.refused} refused`);
  assert.ok(counts.loaded > 50 && counts.refused > 50, 'the damage is neither nothing nor everything');
});

function stackFile(project: string): string {
  const files = readdirSync(project).filter((name) => /\.ya?ml$/.test(name));
  return join(project, files.find((name) => /compose/.test(name)) ?? files[0] ?? '');
}

function outcome(file: string, projectDirectory: string): 'loaded' | 'refused' {
  const env = { HOME: '/home/user' };
  try {
    const request = { files: [file], cwd: projectDirectory, env, envFiles: [], projectDirectory, services: [] };
    const { stack, diagnostics } = loadStack({ ...request, profiles: ['*'] });
    assert.ok(Object.keys(stack).length > 0);
    for (const each of diagnostics) checkSense(each, file);
    return 'loaded';
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    const text = readFileSync(file, 'latin1');
    assert.ok(error instanceof TsstackError, `${String(error instanceof Error ? error.stack : error)}\n${text}`);
    if (!(error instanceof InvalidStackError)) return 'refused';
    assert.ok(
      error.diagnostics.some(({ severity }) => severity === 'error'),
      text,
    );
    for (const each of error.diagnostics) checkSense(each, file);
    return 'refused';
  }
}

/** A position inside the file, its excerpt, and words that no bug has put there. */
function checkSense(diagnostic: Diagnostic, file: string): void {
  const { code, message, hint = '', position, excerpt } = diagnostic;
  const shown = `${JSON.stringify(diagnostic)}\n${readFileSync(file, 'latin1')}`;
  assert.match(code, /^[a-z-]+(\.[a-z-]+)?$/, shown);
  assert.ok(message.length > 5, shown);
  assert.doesNotMatch(`${message} ${hint}`, /undefined|\[object|NaN|Infinity/, shown);
  assert.equal(position === undefined, excerpt === undefined, shown);
  if (position === undefined || excerpt === undefined || position.file !== file) return;
  const lines = readFileSync(file, 'utf8')
    .replace(/^\ufeff/, '')
    .split('\n');
  const line = lines[position.line - 1];
  assert.ok(line !== undefined, shown);
  assert.ok(position.column >= 1 && position.column <= line.length + 1, shown);
  assert.ok(position.length >= 1, shown);
  assert.match(excerpt, new RegExp(`^> +${position.line} \\|`, 'm'), shown);
  assert.match(excerpt, /\^/, shown);
}
