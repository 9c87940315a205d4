import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runProbe } from '../../src/host/probe.ts';
import { holdUp } from '../helpers/hold-up.ts';

const NOTHING = new Uint8Array();

function processesWith(argument: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false;
    }
  });
}

test('a probe past its timeout dies with everything that it started', async () => {
  const mark = `100${process.pid}`;
  const script = `sleep ${mark} & sleep ${mark}`;
  const result = await runProbe(['sh', '-c', `sh -c '${script}'; true`], NOTHING, {
    timeoutMs: 200,
    outputLimitBytes: 100,
  });
  assert.equal(result.exitCode, undefined);
  // A killed process is there until the kernel has taken it down.
  const deadline = Date.now() + 10_000;
  while (processesWith(mark).length > 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(processesWith(mark), []);
});

test('output beyond the limit keeps its end, and the status is passed on', async () => {
  const result = await runProbe(['sh', '-c', 'echo 0123456789; echo end >&2; exit 3'], NOTHING, {
    timeoutMs: 10_000,
    outputLimitBytes: 8,
  });
  assert.equal(result.exitCode, 3);
  assert.equal(result.output.length, 8);
  assert.match(result.output, /end\n$/);
});

test('no output is lost when many end in the same moment', async () => {
  for (let round = 0; round < 20; round += 1) {
    const all = Array.from({ length: 40 }, (_, index) =>
      runProbe(['echo', String(index)], NOTHING, { timeoutMs: 30_000, outputLimitBytes: 64, single: true }),
    );
    assert.deepEqual(
      (await Promise.all(all)).map(({ output }) => output),
      all.map((_, index) => `${index}\n`),
    );
  }
});

test('what a probe leaves running with its output open is not waited for', async () => {
  const { exitCode, output } = await runProbe(['sh', '-c', 'sleep 60 & echo $!'], NOTHING, {
    timeoutMs: 30_000,
    outputLimitBytes: 64,
  });
  process.kill(Number(output), 'SIGKILL');
  assert.equal(exitCode, 0);
});

test('a probe that ends while this process is held up for longer than its time has ended in time', async () => {
  const probed = runProbe(['sh', '-c', 'echo said; exit 3'], NOTHING, { timeoutMs: 300, outputLimitBytes: 64 });
  await holdUp(1000);
  assert.deepEqual(await probed, { exitCode: 3, output: 'said\n' });
});
