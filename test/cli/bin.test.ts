import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsstack-bin-'));
  for (const each of ['it/bin', 'it/dist', 'it/node_modules/.bin', 'links'])
    mkdirSync(join(directory, each), { recursive: true });
  copyFileSync(`${import.meta.dirname}/../../bin/tsstack`, join(directory, 'it/bin/tsstack'));
  symlinkSync('../it/bin/tsstack', join(directory, 'links/first'));
  symlinkSync(join(directory, 'links/first'), join(directory, 'links/tsstack'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function run(...argv: string[]) {
  return spawnSync(join(directory, 'links/tsstack'), argv, { encoding: 'utf8', cwd: '/' });
}

describe('bin/tsstack', () => {
  it('says what is missing, and the command that mends it', () => {
    const first = run('ps');
    assert.equal(first.status, 1);
    assert.ok(first.stderr.includes(`(cd ${directory}/it && npm run setup)`), first.stderr);
    symlinkSync(process.execPath, join(directory, 'it/node_modules/.bin/node'));
    const second = run('ps');
    assert.equal(second.status, 1);
    assert.ok(second.stderr.includes(`(cd ${directory}/it && npm run build)`), second.stderr);
  });

  it('finds its checkout through links, and gives every argument to the client, --env-file too', () => {
    symlinkSync(process.execPath, join(directory, 'it/node_modules/.bin/node'));
    writeFileSync(join(directory, 'it/dist/main.cjs'), 'console.log(JSON.stringify(process.argv.slice(2)));');
    const argv = ['--env-file', '/nonexistent', 'up', 'a b', '', '--', '*'];
    const { stdout, stderr, status } = run(...argv);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), argv);
  });
});
