import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT, TSSTACK } from '../helpers/client.ts';
import { cli, withFiles } from './run-cli.ts';

const DIST = join(ROOT, 'dist');
const [, FLAGS = ''] = /^flags='(.*)'$/m.exec(readFileSync(TSSTACK, 'utf8')) ?? [];

/** Runs a program in Node with the flags of the client; its output. */
function underFlags(program: string, ...argv: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...FLAGS.split(' '), '-e', program, '--', ...argv]);
  assert.equal(status, 0, stderr.toString());
  return stdout.toString();
}

describe('how the client starts', () => {
  for (const name of readdirSync(DIST).filter((each) => each.endsWith('.bytecode'))) {
    it(`${name} was made under the flags that the client runs with`, () => {
      const program = `
        const { readFileSync } = require('node:fs');
        const [text, cache] = process.argv.slice(1);
        const options = { cachedData: readFileSync(cache) };
        console.log(new (require('node:vm').Script)(readFileSync(text, 'latin1'), options).cachedDataRejected);`;
      const bundle = join(DIST, name.replace(/\.bytecode$/, ''));
      assert.equal(underFlags(program, bundle, join(DIST, name)), 'false\n');
    });
  }

  it('a bundle is ASCII: it is read as Latin-1', () => {
    for (const name of readdirSync(DIST).filter((each) => each.endsWith('.cjs'))) {
      const [place] = /.{0,30}[^\0-\x7f]/.exec(readFileSync(join(DIST, name), 'utf8')) ?? [];
      assert.equal(place, undefined, `${name}: in a regular expression, write \\u escapes`);
    }
  });

  for (const [what, size, again] of [
    ['a small file is read with fixed hashes', 1_000, false],
    ['more than 64 KiB never is: the command runs again with hashes of its own', 70_000, true],
  ] as const) {
    it(what, () =>
      withFiles(
        {
          'stack.yaml': `services: {a: {image: busybox}}\n#${'-'.repeat(size)}\n`,
          'hook.cjs': `require('node:fs').appendFileSync(__dirname + '/starts', process.execArgv.join(' ') + '\\n')`,
        },
        async (directory) => {
          const hook = { NODE_OPTIONS: `--require ${directory}/hook.cjs` };
          const { status, stderr } = await cli(directory, ['config', '-q'], hook);
          assert.equal(status, 0, stderr);
          const starts = readFileSync(join(directory, 'starts'), 'utf8').trimEnd().split('\n');
          const fixed = starts.map((flags) => flags.includes('--no-rehash-snapshot'));
          assert.deepEqual(fixed, again ? [true, false] : [true]);
        },
      ),
    );
  }

  it('standard input that is not UTF-8, and one without end, are each one error', () =>
    withFiles({}, async (directory) => {
      const config = (input: string) =>
        spawnSync('sh', ['-c', `${input} | "$0" -f - config`, TSSTACK], { cwd: directory, encoding: 'utf8' });
      const invalid = config("printf 'a\\377'");
      assert.match(invalid.stderr, /Standard input is not valid UTF-8 text/);
      assert.notEqual(invalid.status, 0);
      const endless = config('yes');
      assert.match(endless.stderr, /<stdin> is too large: the limit is 4 MiB/);
      assert.notEqual(endless.status, 0);
    }));
});
