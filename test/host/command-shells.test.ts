import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandShells } from '../../src/host/command-shells.ts';
import { runCommand } from '../../src/host/run-command.ts';
import { holdUp } from '../helpers/hold-up.ts';

/** A program `ip` of our own that says what it was given; `ip NAME` behaves as NAME says. */
const PROGRAM = `#!/bin/sh
case $1 in
status) exit "$2" ;;
sleep) sleep 100 ;;
big) head -c 300000 /dev/zero | tr '\\0' x; echo; exit 0 ;;
parent) echo "$PPID"; exit 0 ;;
esac
for word; do printf '[%s]' "$word"; done
echo said >&2
cat
`;

async function withProgram(work: (shells: CommandShells) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'shells-'));
  const before = process.env['PATH'];
  writeFileSync(join(directory, 'ip'), PROGRAM);
  chmodSync(join(directory, 'ip'), 0o755);
  process.env['PATH'] = `${directory}:${before}`;
  try {
    await work(new CommandShells());
  } finally {
    process.env['PATH'] = before;
    rmSync(directory, { recursive: true });
  }
}

test('CommandShells give words, input, output and status on as they are, one after the other and at once', () =>
  withProgram(async (shells) => {
    const words = ['', 'a b', "it's", '$HOME `id` "x" \\ *', '; exit 3', 'line\nbreak', '-n', '# no comment'];
    const stdin = `$HOME\n'EOF'\n\\\n${'long '.repeat(5000)}\n`;
    const said = { stdout: `${words.map((word) => `[${word}]`).join('')}${stdin}`, stderr: 'said\n', exitCode: 0 };
    assert.deepEqual(await shells.run(['ip', ...words], { stdin }), said);
    const all = await Promise.all(Array.from({ length: 9 }, (_, index) => shells.run(['ip', String(index)])));
    assert.deepEqual(
      all.map(({ stdout }) => stdout),
      all.map((_, index) => `[${index}]`),
    );
    assert.equal((await shells.run(['ip', 'big'])).stdout.length, 300_001);
    assert.equal((await shells.run(['ip', 'status', '7'], { allowFailure: true })).exitCode, 7);
    await assert.rejects(shells.run(['ip', 'status', '7']), { code: 'command-failed', message: /status 7/ });
  }));

test('CommandShells are waited for, so that this process forks for nobody, but not for long', () =>
  withProgram(async (shells) => {
    const parents = await Promise.all(Array.from({ length: 8 }, () => shells.run(['ip', 'parent'])));
    const own = String(process.pid);
    assert.ok(parents.every(({ stdout }) => stdout.trim() !== own));
    const abort = new AbortController();
    const all = Array.from({ length: 4 }, () => shells.run(['ip', 'sleep'], { signal: abort.signal }));
    assert.equal((await shells.run(['ip', 'parent'])).stdout.trim(), own, 'where all that are there hang');
    const late = shells.run(['ip', 'parent']);
    abort.abort();
    for (const each of all) await assert.rejects(each, { code: 'cancelled' });
    assert.notEqual((await late).stdout.trim(), own, 'who waits is given another one for one that was killed');
  }));

test('CommandShells let one shell start what follows each other, and fail as runCommand() does', () =>
  withProgram(async (shells) => {
    const parent = async (): Promise<string> => (await shells.run(['ip', 'parent'])).stdout.trim();
    const first = await parent();
    assert.notEqual(first, String(process.pid));
    assert.equal(await parent(), first);
    await assert.rejects(shells.run(['ip', 'sleep'], { timeoutMs: 100 }), { code: 'command-timeout' });
    const abort = new AbortController();
    const cancelled = shells.run(['ip', 'sleep'], { signal: abort.signal });
    abort.abort();
    await assert.rejects(cancelled, { code: 'cancelled' });
    const next = await parent();
    assert.notEqual(next, first, 'what was killed is not used again');
    process.kill(Number(next), 'SIGKILL');
    assert.equal(
      (await Promise.allSettled([parent(), parent()])).filter(({ status }) => status === 'fulfilled').length >= 1,
      true,
    );
    assert.match(await parent(), /^\d+$/);
    process.env['PATH'] = '/nowhere';
    await assert.rejects(new CommandShells().run(['ip']), { code: 'missing-tool' });
    await assert.rejects(runCommand(['ip']), { code: 'missing-tool' });
  }));

test('a shell ends with the process that it serves, also when that is killed', () => {
  const source = join(import.meta.dirname, '../../src/host/command-shells.ts');
  const code = `
    const { CommandShells } = await import(${JSON.stringify(source)});
    const { stdout } = await new CommandShells().run(['ss', '-h']).catch(() => ({ stdout: '' }));
    const { readFileSync } = await import('node:fs');
    console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'));
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  const pids = stdout.trim().split(/\s+/);
  assert.match(pids[0] ?? '', /^\d+$/, stdout);
  // It reads the end of its input as soon as it runs again.
  const deadline = performance.now() + 5000;
  const lives = (pid: string): boolean => {
    try {
      return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (pids.some(lives)) assert.ok(performance.now() < deadline, `shells ${pids.join(', ')} go on`);
});

test('what ends while this process is held up for longer than it may take has ended in time', () =>
  withProgram(async (shells) => {
    for (const run of [shells.run.bind(shells), runCommand]) {
      // One that is started already has answered when the deadline has passed.
      const answer = run(['ip', 'word'], { timeoutMs: 300 });
      await holdUp(1000);
      assert.equal((await answer).stdout, '[word]');
    }
  }));
