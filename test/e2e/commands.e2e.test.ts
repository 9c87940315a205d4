import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { e2e, freePort } from '../helpers/e2e.ts';
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

e2e('wait ends with the status of the service that ended first, and --down-project leaves nothing', async (project) => {
  project.write(`services:
  quick:
    command: [sh, -c, 'sleep 0.3; exit 3']
  slow:
    command: [sh, -c, 'sleep 1; exit 4']
  other:
    command: [sleep, infinity]
`);
  await project.expect(0, 'up', '-d');
  const said = await project.expect(3, 'wait', 'slow', 'quick');
  assert.match(said, /-quick-1" exited with status code 3\ncontainer .*-slow-1" exited with status code 4\n$/);
  assert.equal((await project.container('other')).status, 'running');
  await project.expect(4, 'wait', '--down-project', 'slow');
  assert.deepEqual(await project.ps(), []);
});

e2e('top shows every process of a container, and port where it is published', async (project) => {
  const port = await freePort();
  project.write(`services:
  web:
    command: [sh, -c, 'sleep infinity & exec sleep 1000000']
    user: '12345'
    ports: ['127.0.0.1:${port}:80']
`);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  const rows = await until('both processes', async () => {
    const [, , ...lines] = (await project.expect(0, 'top', 'web')).trimEnd().split('\n');
    const cells = lines.map((line) => line.split(/ {2,}/));
    return cells.length === 2 && cells.some((row) => row.at(-1) === 'sleep 1000000') && cells;
  });
  assert.deepEqual(rows.map((row) => row.at(-1)).sort(), ['sleep 1000000', 'sleep infinity']);
  assert.deepEqual(
    rows.map(([uid]) => uid),
    ['12345', '12345'],
  );
  assert.ok(rows.some((row) => row[1] === String(pid)));
  assert.equal(await project.expect(0, 'port', 'web', '80'), `127.0.0.1:${port}\n`);
  await project.expect(1, 'port', 'web', '81');
});

e2e('events shows what happened and what happens, of the services named', async (project) => {
  project.write('services:\n  a:\n    command: [sleep, infinity]\n  b:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  const [command = '', ...args] = project.argv(['events', '--since', '1h', '--json', 'a']);
  const child = spawn(command, args, { cwd: project.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  ended.catch(() => {});
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until('the past', () => /"start"/.test(shown));
  await project.expect(0, 'kill', 'a', 'b');
  await until('the end', () => /"exit"/.test(shown));
  child.kill('SIGINT');
  assert.equal((await ended)[0], 0);
  const events = shown
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ service, action }) => `${service} ${action}`),
    ['a create', 'a start', 'a kill', 'a exit'],
  );
  assert.equal(events.at(-1).attributes.exitCode, '137');
});

e2e(
  'rm removes stopped containers, -s running ones, -v their anonymous volumes; up makes them again',
  async (project) => {
    project.write(`services:
  job:
    command: [sh, -c, 'echo kept >> /cache/file; cat /cache/file']
    volumes: [/cache]
  web:
    command: [sleep, infinity]
`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('web');
    await project.exited('job');
    await project.expect(2, 'rm');
    await project.expect(0, 'rm', '-f');
    assert.deepEqual(
      (await project.ps()).map(({ service, pid: now }) => [service, now]),
      [['web', pid]],
    );
    await project.expect(0, 'up', '-d');
    await project.exited('job');
    assert.equal(await project.logs('job'), 'kept\nkept\n');
    await project.expect(0, 'rm', '-fsv');
    assert.deepEqual(await project.ps(), []);
    await project.expect(0, 'up', '-d');
    await project.exited('job');
    assert.equal(await project.logs('job'), 'kept\n');
  },
);

e2e('stats shows the CPU, memory and processes of a service as its cgroup has them', async (project) => {
  project.write(`services:
  busy:
    command: [sh, -c, 'while :; do :; done']
    mem_limit: 64m
    cpus: 0.5
  idle:
    command: [sleep, infinity]
`);
  await project.expect(0, 'up', '-d');
  const stats = JSON.parse(await project.expect(0, 'stats', '--no-stream', '--format', 'json'));
  assert.deepEqual(
    stats.map(({ service, pids }: { service: string; pids: number }) => [service, pids]),
    [
      ['busy', 1],
      ['idle', 1],
    ],
  );
  const [busy, idle] = stats;
  assert.ok(busy.cpuPercent > 10 && busy.cpuPercent < 75, `${busy.cpuPercent} %`);
  assert.ok(idle.cpuPercent < 5, `${idle.cpuPercent} %`);
  assert.equal(busy.memoryLimitBytes, 64 * 1024 ** 2);
  assert.match(await project.expect(0, 'stats', '--no-stream', 'idle'), /^NAME.*\n\S*-idle-1 .*\n$/);
});

e2e(
  'create makes containers and starts none; start and up start them, and create leaves them alone then',
  async (project) => {
    project.write('services:\n  a:\n    command: [sleep, infinity]\n  b:\n    command: [sleep, infinity]\n');
    const states = async () => (await project.ps()).map(({ service, status }) => `${service} ${status}`);
    await project.expect(0, 'create');
    assert.deepEqual(await states(), ['a created', 'b created']);
    await project.expect(0, 'start', 'a');
    const { pid } = await project.container('a');
    assert.deepEqual(await states(), ['a running', 'b created']);
    await project.expect(0, 'up', '--no-start');
    assert.deepEqual(await states(), ['a running', 'b created']);
    await project.expect(0, 'up', '-d');
    assert.deepEqual(await states(), ['a running', 'b running']);
    assert.equal((await project.container('a')).pid, pid);
  },
);
