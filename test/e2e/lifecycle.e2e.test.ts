import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** Ends well on SIGTERM, with a status that tells so. */
const POLITE = `[sh, -c, 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep infinity & wait $$!; done']`;

e2e('exec passes the status, input and arguments on', async (project) => {
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  await project.expect(7, 'exec', 'web', 'sh', '-c', 'exit 7');
  await project.expect(137, 'exec', 'web', 'sh', '-c', 'kill -KILL $$');
  const arguments_ = ['exec', 'web', 'printf', '%s|', 'a b', '$HOME', "it's", '--format'];
  assert.equal(await project.expect(0, ...arguments_), "a b|$HOME|it's|--format|");
  const upper = await project.tsstack(['exec', 'web', 'tr', 'a-z', 'A-Z'], { stdin: 'hello\n' });
  assert.equal(upper.stdout, 'HELLO\n');
});

e2e('logs keeps both streams in order, --tail counts from the end, and down and up begin afresh', async (project) => {
  project.write(`services:\n  job:\n    command: [sh, -c, 'for i in 1 2 3; do echo out$$i; echo err$$i >&2; done']\n`);
  await project.expect(0, 'up', '-d');
  await project.exited('job');
  assert.equal(await project.logs('job'), 'out1\nerr1\nout2\nerr2\nout3\nerr3\n');
  const tail = await project.expect(0, 'logs', '--tail', '2', 'job');
  assert.equal(tail.trim().split('\n').length, 2);
  assert.match(await project.expect(0, 'logs', '--timestamps', 'job'), /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.* out1/);
  await project.expect(0, 'down');
  await project.expect(0, 'up', '-d');
  await project.exited('job');
  assert.equal((await project.logs('job')).match(/out1/g)?.length, 1);
});

e2e('depends_on: a service starts when what it waits for has completed and is healthy', async (project) => {
  project.write(`services:
  job:
    command: [sh, -c, 'echo done > /shared/job']
    volumes: ['shared:/shared']
  db:
    command: [sh, -c, 'until [ -e /shared/job ]; do sleep 0.05; done; touch /tmp/healthy; exec sleep infinity']
    volumes: ['shared:/shared']
    healthcheck: {test: [CMD, test, -e, /tmp/healthy], interval: 1h, start_period: 1m}
  web:
    command: [sleep, infinity]
    depends_on:
      job: {condition: service_completed_successfully}
      db: {condition: service_healthy}
volumes:
  shared:
`);
  await project.expect(0, 'up', '-d');
  const [job, db, web] = [
    await project.container('job'),
    await project.container('db'),
    await project.container('web'),
  ];
  assert.equal(db.health, 'healthy');
  assert.equal(job.exitCode, 0);
  assert.ok(job.finishedAtMs !== undefined && web.startedAtMs !== undefined && db.startedAtMs !== undefined);
  assert.ok(web.startedAtMs >= job.finishedAtMs, 'web after job');
  assert.ok(web.startedAtMs >= db.startedAtMs, 'web after db');
  await project.expect(0, 'plan', '--check');
});

e2e('depends_on: a job that fails stops the rest, and up says which', async (project) => {
  project.write(`services:
  job:
    command: [sh, -c, 'exit 4']
  web:
    command: [sleep, infinity]
    depends_on:
      job: {condition: service_completed_successfully}
`);
  const up = await project.tsstack(['up', '-d']);
  assert.equal(up.status, 1);
  assert.match(up.stderr, /job/);
  assert.match(up.stderr, /\b4\b/);
});

e2e('stop lets a program end by itself; one that cannot take the signal is killed at once', async (project) => {
  project.write(`services:
  polite:
    command: ${POLITE}
    stop_grace_period: 1h
  deaf:
    command: [sleep, infinity]
    stop_grace_period: 1h
`);
  await project.expect(0, 'up', '-d');
  await until('polite to be ready', async () => /ready/.test(await project.logs('polite')));
  // Both have an hour: a stop that waited for the deaf one would run into the deadline of the command.
  await project.expect(0, 'stop');
  assert.equal((await project.container('polite')).exitCode, 3);
  assert.match(await project.logs('polite'), /bye/);
  assert.equal((await project.container('deaf')).exitCode, 137);

  await project.expect(0, 'start');
  assert.equal((await project.container('deaf')).status, 'running');
});

e2e('restart gives a service a new process and leaves the others alone', async (project) => {
  project.write('services:\n  a:\n    command: [sleep, infinity]\n  b:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  const [a, b] = [await project.container('a'), await project.container('b')];
  await project.expect(0, 'restart', 'a');
  assert.notEqual((await project.container('a')).pid, a.pid);
  assert.equal((await project.container('b')).pid, b.pid);
});

e2e('a service that dies is started again by its policy, with its count', async (project) => {
  project.write(`services:\n  web:\n    command: [sleep, infinity]\n    restart: always\n`);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  const again = await until('a new process', async () => {
    const container = await project.container('web');
    return container.status === 'running' && container.pid !== undefined && container.pid !== pid && container;
  });
  assert.equal(again.restarts, 1);
});

e2e('up without -d shows the logs, and Ctrl-C stops the stack and ends with 130', async (project) => {
  project.write(`services:\n  web:\n    command: ${POLITE}\n`);
  const [command = '', ...args] = project.argv(['up']);
  const child = spawn(command, args, { cwd: project.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  // Looked at below; a rejection before that would be one that nobody handles.
  ended.catch(() => {});
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until('the log line', () => /ready/.test(shown));
  child.kill('SIGINT');
  const [status] = await ended;
  assert.equal(status, 130);
  const web = await project.container('web');
  assert.equal(web.status, 'exited');
  assert.equal(web.exitCode, 3);
});
