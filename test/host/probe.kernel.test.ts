import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runProbe } from '../../src/host/probe.ts';

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
