import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDaemon, ndjson } from './fake-daemon.ts';
import { cli, withFiles } from './run-cli.ts';

const STACK = { 'stack.yaml': 'services:\n  web:\n    command: sleep 1\n' };
const RESULT = { stack: 'demo', services: ['web'], unattached: [], jobs: [] };

interface Asked {
  readonly status: number;
  readonly stderr: string;
  readonly sent: readonly unknown[];
}

/** Runs a command against a daemon that has done everything; gives its status and what it was sent. */
function ask(...argv: string[]): Promise<Asked> {
  return askWith(argv, [{ type: 'done', result: RESULT }]);
}

/** The same against one that tells of these events. */
async function askWith(argv: readonly string[], events: readonly unknown[]): Promise<Asked> {
  const daemon = await fakeDaemon({
    'POST /v1/up': (_body, response) => ndjson(response, events),
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

test('up and create say whether images are built', async () => {
  const wishes = async (...words: string[]) => {
    const { sent } = await ask(...words);
    const { build, noBuild } = sent[0] as Record<string, unknown>;
    return { build, noBuild };
  };
  assert.deepEqual(await wishes('up', '-d'), { build: false, noBuild: false });
  assert.deepEqual(await wishes('up', '-d', '--build'), { build: true, noBuild: false });
  assert.deepEqual(await wishes('create', '--no-build'), { build: false, noBuild: true });
});

test('--quiet-build leaves the progress of builds out, and that alone', async () => {
  const step = { build: 'web', id: '1.1', stage: '0', number: 1, count: 1, text: 'RUN x' };
  const events = [
    { type: 'build-step', state: 'started', ...step },
    { type: 'build-output', build: 'web', id: '1.1', text: 'said\n' },
    { type: 'build-step', state: 'done', durationMs: 1, ...step },
    { type: 'warning', message: 'careful' },
    { type: 'done', result: RESULT },
  ];
  const loud = await askWith(['up', '-d'], events);
  assert.match(loud.stderr, /RUN x.*said.*careful/s);
  const quiet = await askWith(['up', '-d', '--quiet-build'], events);
  assert.equal(quiet.stderr, '! careful\n');
});

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
