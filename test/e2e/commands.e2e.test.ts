import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** Counts in its log, ten times a second, and says so when it gets SIGHUP. */
const COUNTER = `[sh, -c, 'trap "echo again" HUP; while :; do echo tick; sleep 0.1; done']`;

e2e('kill ends a service that is always restarted, and another signal only reaches it', async (project) => {
  project.write(`services:\n  web:\n    command: ${COUNTER}\n    restart: always\n`);
  await project.expect(0, 'up', '-d');
  await until('web to be ready', async () => /tick/.test(await project.logs('web')));
  const { pid } = await project.container('web');
  await project.expect(0, 'kill', '-s', 'HUP', 'web');
  await until('the signal', async () => /again/.test(await project.logs('web')));
  assert.equal((await project.container('web')).pid, pid);

  await project.expect(0, 'kill');
  const killed = await project.container('web');
  assert.deepEqual([killed.status, killed.exitCode, killed.restarts], ['exited', 137, 0]);
  await project.expect(2, 'kill', '-s', 'NONSENSE');
  await project.expect(0, 'start');
  assert.equal((await project.container('web')).status, 'running');
});

e2e('pause freezes a service: no tick more; unpause, exec, up, kill, stop and down know it', async (project) => {
  project.write(`services:\n  web:\n    command: ${COUNTER}\n    stop_grace_period: 1h\n`);
  await project.expect(0, 'up', '-d');
  const ticks = async (): Promise<number> => (await project.logs('web')).match(/tick/g)?.length ?? 0;
  await until('web to be ready', async () => (await ticks()) > 0);
  const { pid } = await project.container('web');
  await project.expect(0, 'pause', 'web');
  const paused = await project.container('web');
  assert.deepEqual([paused.status, paused.pid], ['paused', pid]);
  const before = await ticks();
  const exec = await project.tsstack(['exec', 'web', 'true']);
  assert.equal(exec.status, 1);
  assert.match(exec.stderr, /paused/);
  const up = await project.tsstack(['up', '-d']);
  assert.match(up.stderr, /is paused and stays so/);
  assert.equal(await ticks(), before);

  await project.expect(0, 'unpause');
  await until('a tick', async () => (await ticks()) > before);
  assert.equal((await project.container('web')).pid, pid);

  await project.expect(0, 'pause');
  await project.expect(0, 'kill');
  assert.equal((await project.container('web')).exitCode, 137);
  await project.expect(0, 'start');
  await project.expect(0, 'pause');
  // It has an hour to end: a signal that nobody can take would be waited for.
  await project.expect(0, 'stop', '-t', '1');
  assert.equal((await project.container('web')).status, 'exited');
  await project.expect(0, 'start');
  await project.expect(0, 'pause');
  await project.expect(0, 'down');
  assert.throws(() => readFileSync(`/proc/${pid}/stat`));
});
