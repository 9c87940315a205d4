import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDaemon, ndjson } from './fake-daemon.ts';
import { cli, withFiles } from './run-cli.ts';

const STACK = { 'stack.yaml': 'services:\n  web:\n    command: sleep 1\n' };
const RESULT = { stack: 'demo', services: ['web'], unattached: [], jobs: [] };

/** Runs a command against a daemon that has done everything; gives its status and what it was sent. */
async function ask(...argv: string[]): Promise<{ status: number; stderr: string; sent: readonly unknown[] }> {
  const daemon = await fakeDaemon({
    'POST /v1/up': (_body, response) => ndjson(response, [{ type: 'done', result: RESULT }]),
  });
  try {
    let answer = { status: -1, stderr: '' };
    await withFiles(STACK, async (directory) => {
      const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
      const { status, stderr } = await cli(directory, ['-p', 'demo', '-f', 'stack.yaml', ...argv], env);
      answer = { status: status ?? -1, stderr };
    });
    return { ...answer, sent: daemon.requests.map(({ body }) => body) };
  } finally {
    await daemon.close();
  }
}

for (const words of [
  '--wait --abort-on-container-exit',
  '--wait --attach web',
  '--wait --no-start',
  '-d --abort-on-container-failure',
  '-d --attach-dependencies',
  '-d --exit-code-from web',
  '--json --exit-code-from web',
  '--abort-on-container-exit --abort-on-container-failure',
  '--build --no-build',
  '--force-recreate --no-recreate',
  '--always-recreate-deps --no-recreate',
  '-V --no-recreate',
  '--pull sometimes',
  '-t soon',
]) {
  test(`up ${words} is refused before anything is asked of the daemon`, async () => {
    const { status, sent, stderr } = await ask('up', ...words.split(' '));
    assert.deepEqual([status, sent], [2, []], stderr);
  });
}

test('up sends what it was asked for', async () => {
  const { status, sent } = await ask(
    ...['up', '-d', '--no-recreate', '--pull', 'if_not_present', '-t', '3', '-y', '--menu=false', '--quiet-pull'],
  );
  assert.equal(status, 0);
  const { noRecreate, pull, timeoutMs, dryRun } = sent[0] as Record<string, unknown>;
  assert.deepEqual(
    { noRecreate, pull, timeoutMs, dryRun },
    { noRecreate: true, pull: 'missing', timeoutMs: 3000, dryRun: undefined },
  );
});

test('--dry-run before or after the command is sent, and what cannot be tried is refused', async () => {
  for (const words of [
    ['--dry-run', 'up'],
    ['up', '--dry-run'],
    ['create', '--dry-run'],
  ]) {
    const { status, sent, stderr } = await ask(...words);
    assert.equal(status, 0, stderr);
    assert.equal((sent[0] as { dryRun?: boolean }).dryRun, true);
    assert.match(stderr, /nothing was changed/);
  }
  const { status, sent } = await ask('--dry-run', 'exec', 'web', 'true');
  assert.deepEqual([status, sent], [2, []]);
});
