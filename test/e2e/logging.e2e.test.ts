import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const LINES = 100_000;
const KEPT = 2 * 64 * 1024;
/** Blocks that the file system needs beside the data, and a block that is only half in the hole. */
const MORE = 16 * 1024;
const LIMIT = 'logging: {driver: json-file, options: {max-size: 64k, max-file: "2"}}';

/** Waits for a file in /go, and does something then. */
const when = (name: string, what: string): string => `until [ -e /go/${name} ]; do sleep 0.02; done; ${what}`;
const go = (project: Project, name: string): void => writeFileSync(join(project.scratch, name), '');

function logFile(project: Project, service: string): string {
  return `/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/log`;
}

function diskBytes(path: string): number {
  return statSync(path).blocks * 512;
}

/** Numbers of the lines, one after the other from the first one on; the first one. */
function assertInOrder(text: string): number {
  assert.ok(text.endsWith('\n'));
  const lines = text.split('\n').slice(0, -1);
  const first = Number(lines[0]);
  const wrong = lines.findIndex((line, index) => line !== String(first + index));
  assert.equal(wrong, -1, `line ${wrong} is ${JSON.stringify(lines.slice(Math.max(0, wrong - 2), wrong + 3))}`);
  return first;
}

/** Everything that `logs -f` shows from the beginning on. */
function follow(project: Project, service: string): { readonly text: () => string; readonly end: () => Promise<void> } {
  const argv = ['-p', project.name, 'logs', '-f', '--no-log-prefix', service];
  const child = spawn(TSSTACK, argv, { cwd: project.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return {
    text: () => text,
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

e2e(
  'of 100,000 lines the last ones are kept, whole and in order, over the end of a daemon; logs -f sees all of them',
  async (project) => {
    const writer = `i=0; while [ $$i -lt 100 ]; do seq $$((i * 1000 + 1)) $$(((i + 1) * 1000)); i=$$((i + 1)); sleep 0.04; done`;
    project.write(`services:
  web:
    command: [sh, -c, '${when('start', writer)}; exec sleep infinity']
    volumes: [".:/go"]
    ${LIMIT}
  late:
    command: [sh, -c, '${when('late', `seq ${LINES}`)}']
    volumes: [".:/go"]
    ${LIMIT}
`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('web');
    const follower = follow(project, 'web');
    try {
      go(project, 'start');
      await until('half of the lines', () => follower.text().includes('\n50000\n'));
      await until('the daemon to keep the limit', () => diskBytes(logFile(project, 'web')) < 2 * KEPT);
      assert.ok(!follower.text().includes('\n75000\n'), 'while it is written');
      await killDaemon(project);
      go(project, 'late');
      await until('three quarters of the lines', () => follower.text().includes('\n75000\n'));
      assert.ok(statSync(logFile(project, 'late')).size > 4 * KEPT, 'what is written without a daemon is there');
      await project.exited('late');
      await until('all lines', () => follower.text().endsWith(`\n${LINES}\n`));
    } finally {
      await follower.end();
    }
    assert.equal(assertInOrder(follower.text()), 1, 'the follower saw them all');
    for (const service of ['web', 'late']) {
      const path = logFile(project, service);
      await until(`the limit of ${service} to be kept`, () => diskBytes(path) <= KEPT + MORE);
      const text = await project.expect(0, 'logs', '--no-log-prefix', service);
      assert.ok(
        text.length <= KEPT + MORE && text.length >= (KEPT * 3) / 4,
        `${service}: ${text.length} bytes are kept`,
      );
      assert.ok(text.endsWith(`\n${LINES}\n`), service);
      assertInOrder(text);
      const tail = await project.expect(0, 'logs', '--no-log-prefix', '-n', '2', service);
      assert.equal(tail, `${LINES - 1}\n${LINES}\n`);
      assert.equal(await project.expect(0, 'logs', '--no-log-prefix', '--since', '1h', service), text);
    }
    assert.equal((await project.container('web')).pid, pid);
  },
);

e2e(
  'a container that empties its log by > /dev/stdout: every later line is shown once, and it is told',
  async (project) => {
    project.write(`services:
  web:
    command: [sh, -c, 'seq 1 1000; ${when('cut', 'echo cut > /dev/stdout; seq 1001 3000')}; ${when('ready', 'echo ready')}; exec sleep infinity']
    volumes: [".:/go"]
    x-ready: 'log:^ready$$'
    ${LIMIT}
`);
    const seq = (from: number, to: number): string =>
      Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('');
    await project.expect(0, 'up', '-d');
    const follower = follow(project, 'web');
    try {
      await until('the lines before', () => follower.text() === seq(1, 1000));
      go(project, 'cut');
      await until('the lines after', () => follower.text().endsWith('\n3000\n'));
      assert.equal(follower.text(), `${seq(1, 1000)}cut\n${seq(1001, 3000)}`);
      go(project, 'ready');
      await until('it to be healthy', async () => (await project.container('web')).health === 'healthy');
    } finally {
      await follower.end();
    }
    const logs = await project.tsstack(['logs', '--no-log-prefix', 'web']);
    assert.equal(logs.stdout, `cut\n${seq(1001, 3000)}ready\n`);
    assert.match(
      logs.stderr,
      /-web-1: it emptied its log, .* \(.*"> \/dev\/stdout" does that; ">> \/dev\/stdout" does not\)/,
    );
    assert.equal(await project.expect(0, 'logs', '--no-log-prefix', '-n', '2', 'web'), '3000\nready\n');
    assert.equal(await project.expect(0, 'logs', '--no-log-prefix', '--since', '1h', 'web'), logs.stdout);
    const events = await project.expect(0, 'events', '--since', '1h', '--until', '0s');
    assert.equal(events.match(/it emptied its log/g)?.length, 1, events);
  },
);

e2e('driver none keeps nothing and logs says so; run shows what its container writes', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'echo hidden; echo too >&2; exec sleep infinity']
    logging: {driver: none}
  hooked:
    command: [sleep, infinity]
    post_start: [{command: [echo, hook]}]
    logging: {driver: none}
  job:
    command: [sh, -c, 'seq 1 200000']
    ${LIMIT}
`);
  await project.expect(0, 'up', '-d');
  await project.exited('job');
  await until('the limit of a job that has ended', () => diskBytes(logFile(project, 'job')) <= KEPT + MORE);
  const logs = await project.tsstack(['logs', 'web']);
  assert.deepEqual([logs.status, logs.stdout], [0, '']);
  assert.match(logs.stderr, /web-1: its output is not kept \(logging\.driver: none\)/);
  for (const service of ['web', 'hooked']) assert.equal(statSync(logFile(project, service)).size, 0, service);
  assert.equal(await project.expect(0, 'run', '--rm', 'web', 'echo', 'shown'), 'shown\n');
});
