import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const SLEEP = '[sleep, infinity]';

e2e('up --exit-code-from stops the rest in order and ends with that status, again and again', async (project) => {
  project.write(`services:
  db:
    command: ${SLEEP}
    stop_grace_period: 1h
  migrate:
    command: [sh, -c, 'echo migrated']
  tests:
    command: [sh, -c, 'sleep 0.3; exit 7']
    depends_on: {db: {condition: service_started}, migrate: {condition: service_completed_successfully}}
`);
  // Without the time to stop it would wait for an hour: sleep is pid 1 and takes no SIGTERM.
  for (const _ of [1, 2]) {
    await project.expect(7, 'up', '--exit-code-from', 'tests', '-t', '1');
    assert.deepEqual(
      (await project.ps()).map(({ service, status }) => `${service} ${status}`),
      ['db exited', 'migrate exited', 'tests exited'],
    );
  }
  await project.expect(2, 'up', '--exit-code-from', 'nobody');
});

e2e('up --abort-on-container-failure goes on after a clean end and stops at the first failure', async (project) => {
  project.write(`services:
  clean:
    command: ['true']
  web:
    command: ${SLEEP}
  broken:
    command: [sh, -c, 'sleep 0.6; exit 5']
`);
  const { status, stderr } = await project.tsstack(['up', '--abort-on-container-failure', '-t', '0']);
  assert.equal(status, 5, stderr);
  assert.match(stderr, /Aborting on container exit/);
});

e2e(
  'up shows what is named, and --attach, --attach-dependencies, --no-attach and attach: false decide',
  async (project) => {
    project.write(`services:
  db:
    command: [echo, i am db]
  quiet:
    command: [echo, i am quiet]
    attach: false
  web:
    command: [echo, i am web]
    depends_on: [db, quiet]
`);
    const shown = async (...args: string[]): Promise<readonly string[]> => {
      const out = await project.expect(0, 'up', '--force-recreate', '--no-log-prefix', '--quiet', ...args);
      return out.trimEnd().split('\n').sort();
    };
    assert.deepEqual(await shown(), ['i am db', 'i am web']);
    assert.deepEqual(await shown('web'), ['i am web']);
    assert.deepEqual(await shown('--attach-dependencies', '--always-recreate-deps', 'web'), ['i am db', 'i am web']);
    assert.deepEqual(await shown('--attach', 'quiet'), ['i am quiet']);
    assert.deepEqual(await shown('--no-attach', 'db'), ['i am web']);
    const [line = ''] = await shown('--timestamps', 'web');
    assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z i am web$/);
  },
);

e2e('--dry-run says what each command would do, and does nothing', async (project) => {
  project.write(`services:\n  web:\n    command: ${SLEEP}\n`);
  assert.match(await project.expect(0, '--dry-run', 'up', '-d'), /\+ service\.web\[1\]/);
  assert.deepEqual(await project.ps(), []);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  for (const words of ['up --force-recreate', 'restart', 'stop', 'down -v', 'rm -fs', 'kill', 'pause']) {
    await project.expect(0, ...words.split(' '), '--dry-run');
    const web = await project.container('web');
    assert.deepEqual([web.pid, web.status], [pid, 'running'], words);
  }
});

e2e('--no-recreate keeps a changed container, and adds and starts what is missing', async (project) => {
  const stack = (seconds: number, more = '') =>
    project.write(`services:\n  web:\n    command: [sleep, '${seconds}']\n${more}`);
  stack(1000);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  stack(2000, `  db:\n    command: ${SLEEP}\n`);
  await project.expect(0, 'up', '-d', '--no-recreate');
  assert.equal((await project.container('web')).pid, pid);
  assert.equal((await project.container('db')).status, 'running');
  await project.expect(0, 'kill', 'web');
  await project.expect(0, 'up', '-d', '--no-recreate');
  assert.equal((await project.container('web')).command, 'sleep 1000');
  await project.expect(0, 'up', '-d', '-t', '0');
  assert.equal((await project.container('web')).command, 'sleep 2000');
});

e2e('orphans are named, ignored or removed as the environment says; kill and ps know them', async (project) => {
  project.write(`services:\n  web:\n    command: ${SLEEP}\n  old:\n    command: ${SLEEP}\n`);
  await project.expect(0, 'up', '-d');
  project.write(`services:\n  web:\n    command: ${SLEEP}\n`);
  const up = async (env: Record<string, string>) => (await project.tsstack(['up', '-d', '-t', '0'], { env })).stderr;
  assert.match(await up({}), /no longer in the stack file: \S+-old-1/);
  assert.doesNotMatch(await up({ COMPOSE_IGNORE_ORPHANS: '1' }), /no longer in the stack file/);
  assert.equal(await project.expect(0, '-f', 'stack.yaml', 'ps', '--services', '--orphans=false'), 'web\n');
  project.write('COMPOSE_REMOVE_ORPHANS=1\n', '.env');
  await up({});
  assert.equal(await project.expect(0, 'ps', '--services'), 'web\n');
});

e2e('start --wait, restart --no-deps and down SERVICE do what is asked', async (project) => {
  project.write(`services:
  db:
    command: ${SLEEP}
    healthcheck: {test: ['CMD', 'true'], interval: 100ms}
  web:
    command: ${SLEEP}
    depends_on: {db: {condition: service_started, restart: true}}
  other:
    command: ${SLEEP}
`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'stop', '-t', '0');
  await project.expect(0, 'start', '--wait', '--wait-timeout', '20');
  assert.equal((await project.container('db')).health, 'healthy');
  const { pid } = await project.container('web');
  await project.expect(0, 'restart', '--no-deps', '-t', '0', 'db');
  assert.equal((await project.container('web')).pid, pid);
  await project.expect(0, 'restart', '-t', '0', 'db');
  assert.notEqual((await project.container('web')).pid, pid);
  await project.expect(0, 'down', '-t', '0', 'db');
  assert.deepEqual(
    (await project.ps()).map(({ service }) => service),
    ['other'],
  );
});

e2e('logs --until and --index, ps --status and --filter choose', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'echo first; sleep 1.5; echo second; sleep 1000000']
    scale: 2
  job:
    command: [sh, -c, 'exit 3']
`);
  await project.expect(0, 'up', '-d');
  await until('the second line of both', async () => (await project.logs('web')).match(/second/g)?.length === 2);
  const { startedAtMs = 0 } = await project.container('web');
  const early = await project.expect(0, 'logs', '--until', new Date(startedAtMs + 1000).toISOString(), 'web');
  assert.deepEqual([/first/.test(early), /second/.test(early)], [true, false], early);
  const replica = await project.expect(0, 'logs', '--index', '2', 'web');
  assert.match(replica, /^web-2 /);
  assert.doesNotMatch(replica, /web-1/);
  await project.exited('job');
  assert.equal(await project.expect(0, 'ps', '--services', '--status', 'exited'), 'job\n');
  assert.equal(await project.expect(0, 'ps', '--services', '--filter', 'status=running'), 'web\n');
  await project.expect(2, 'ps', '--status', 'unheard-of');
});
