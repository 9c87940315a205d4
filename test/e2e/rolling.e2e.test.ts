import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { e2e, freePort, http, type Project } from '../helpers/e2e.ts';
import { hostAddress, Load } from '../helpers/load.ts';
import { run, until } from '../helpers/run.ts';

const NODE = '/usr/bin/node';

/**
 * Says its version, listens a while after its start, and ends its connections politely when it is told to stop; not at
 * once, so that there is time to cut short what waits for it.
 */
const SERVER = `
let ending = false;
const server = require('http').createServer((request, response) => {
  if (ending) response.setHeader('Connection', 'close');
  setTimeout(() => response.end(process.env.V), 5);
});
setTimeout(() => server.listen(80), 300);
process.on('SIGTERM', () => {
  ending = true;
  setInterval(() => server.getConnections((_, count) => count === 0 && process.exit(0)), 500);
});
`;

function webStack(version: number, port: number, order: string): string {
  return `services:
  web:
    command: [${NODE}, /server.cjs]
    environment: {V: "${version}"}
    ports: ["${port}:80"]
    volumes: ["./server.cjs:/server.cjs:ro"]
    stop_grace_period: 2s
    healthcheck: {test: [CMD, busybox, wget, -q, -O, /dev/null, "http://127.0.0.1/"], interval: 100ms, retries: 50}
    deploy: {update_config: {order: ${order}}}
  client:
    command: [sleep, infinity]
    stop_grace_period: 0s
`;
}

/** Brings the first version up, and gives the addresses at which it answers. */
async function bringUp(project: Project): Promise<{ readonly port: number; readonly urls: readonly string[] }> {
  const port = await freePort();
  project.write(SERVER, 'server.cjs');
  project.write(webStack(1, port, 'start-first'));
  await project.expect(0, 'up', '-d', '--wait');
  const addresses = ['127.0.0.1', hostAddress()].flatMap((address) => address ?? []);
  assert.equal(addresses.length, 2, 'an address of the host besides 127.0.0.1');
  return { port, urls: addresses.map((address) => `http://${address}:${port}/`) };
}

e2e(
  'with start-first and a healthcheck no request fails during replacements; with stop-first some do',
  async (project) => {
    const { port, urls } = await bringUp(project);
    const first = await project.container('web');
    const load = new Load(urls);
    try {
      for (const version of [2, 3, 4]) {
        project.write(webStack(version, port, 'start-first'));
        const before = load.requests;
        await project.expect(0, 'up', '-d');
        assert.equal(await http(urls[0] ?? ''), String(version));
        assert.ok(load.requests - before > 100, 'asked all the time');
        const now = (await project.ps()).filter(({ service }) => service === 'web');
        assert.equal(now.length, 1);
        assert.notEqual(now[0]?.pid, first.pid);
        const name = await project.expect(0, 'exec', 'client', 'getent', 'ahostsv4', 'web');
        assert.equal(name.split(/\s/)[0], now[0]?.networks[0]?.ipv4?.split('/')[0]);
      }
      await project.expect(0, 'plan', '--check');
      await until('version 4 alone to answer', () => load.answers.has('4'));
      assert.deepEqual(load.failures, []);

      project.write(webStack(5, port, 'stop-first'));
      await project.expect(0, 'up', '-d');
      assert.ok(load.failures.length > 0, 'the load sees what fails');
    } finally {
      await load.stop();
    }
    assert.deepEqual([...load.answers.keys()].sort(), ['1', '2', '3', '4', '5']);
  },
  { needs: [NODE, 'busybox'] },
);

async function killDaemon(): Promise<void> {
  const url = 'http://daemon/v1/version';
  const { stdout } = await run(['curl', '-sS', '--unix-socket', '/run/tsstack/daemon.sock', url]);
  const { pid } = JSON.parse(stdout) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await until('the daemon to be gone', async () => {
    const state = await run(['ps', '-o', 'stat=', '-p', String(pid)]);
    return state.stdout.trim() === '' || state.stdout.startsWith('Z');
  });
}

e2e(
  'a start-first replacement that is cut short by SIGKILL is undone or finished by the next up, and no request fails',
  async (project) => {
    const { port, urls } = await bringUp(project);
    const load = new Load(urls);
    const other = (version: number) => `/run/netns/ts-${project.name}.web.1${version % 2 === 0 ? 'b' : ''}`;
    const moments: readonly (readonly [string, (version: number) => Promise<unknown>])[] = [
      ['while the new one starts', (version) => until('the new namespace', () => existsSync(other(version)))],
      [
        'after it took over',
        (version) => until('the switch', async () => (await http(urls[0] ?? '')) === String(version)),
      ],
    ];
    try {
      let version = 1;
      for (const [what, moment] of moments) {
        version += 1;
        project.write(webStack(version, port, 'start-first'));
        const cut = project.tsstack(['up', '-d']);
        await moment(version);
        await killDaemon();
        assert.notEqual((await cut).status, 0, what);
        const rest = await project.expect(3, 'plan', '--check');
        assert.match(rest, /- service\.web\[1\] +left by an update that was cut short/, what);
        await project.expect(0, 'up', '-d');
        await project.expect(0, 'plan', '--check');
        assert.equal((await project.ps()).filter(({ service }) => service === 'web').length, 1, what);
        assert.equal(await http(urls[0] ?? ''), String(version), what);
      }
    } finally {
      await load.stop();
    }
    assert.deepEqual(load.failures, []);
  },
  { needs: [NODE, 'busybox', 'curl'] },
);

/** Three replicas that are healthy unless V is bad. */
function replicas(v: string, update: string): string {
  return `services:
  web:
    command: [sleep, infinity]
    init: true
    environment: {V: ${v}}
    stop_grace_period: 0s
    healthcheck: {test: ['CMD-SHELL', 'test "$$V" != bad'], interval: 100ms, retries: 1}
    deploy:
      replicas: 3
      update_config: {${update}}
      rollback_config: {parallelism: 0}
`;
}

/** What each replica was made from, and its process. */
async function state(project: Project): Promise<readonly (readonly [v: string, pid: number | undefined])[]> {
  const states: (readonly [string, number | undefined])[] = [];
  for (const { index, pid } of await project.ps()) {
    const v = await project.expect(0, 'exec', '--index', String(index), 'web', 'printenv', 'V');
    states.push([v.trim(), pid]);
  }
  return states;
}

const versions = (states: Awaited<ReturnType<typeof state>>) => states.map(([v]) => v);

e2e('batches wait for each other; a failing update is paused, and the next up goes on from there', async (project) => {
  project.write(replicas('one', ''));
  await project.expect(0, 'up', '-d', '--wait');
  const before = await state(project);

  project.write(replicas('bad', 'parallelism: 1, delay: 10ms'));
  assert.match(await project.expect(0, 'plan'), /service\.web +stop-first; 1, then 2, then 3; 0\.01 s between; pause/);
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(stderr, /update of service "web" failed \(1 of 3 replicas\).*stay as they were/);
  const paused = await state(project);
  assert.deepEqual(versions(paused), ['bad', 'one', 'one']);
  assert.deepEqual(paused.slice(1), before.slice(1), 'the same processes');
  assert.match(await project.expect(3, 'plan', '--check'), /± service\.web\[2\][\s\S]*± service\.web\[3\]/);

  project.write(replicas('two', 'parallelism: 2, monitor: 10ms'));
  await project.expect(0, 'up', '-d');
  assert.deepEqual(versions(await state(project)), ['two', 'two', 'two']);
  await project.expect(0, 'plan', '--check');
});

e2e('a failing update goes on or goes back, as its failure_action says', async (project) => {
  project.write(replicas('one', ''));
  await project.expect(0, 'up', '-d', '--wait');

  project.write(replicas('bad', 'failure_action: rollback'));
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(stderr, /those that had been replaced are as they were before/);
  const back = await state(project);
  assert.deepEqual(versions(back), ['one', 'one', 'one']);

  project.write(replicas('bad', 'order: start-first, parallelism: 0'));
  await project.expect(1, 'up', '-d');
  assert.deepEqual(await state(project), back, 'a new one that fails leaves the old one alone');

  project.write(replicas('bad', 'failure_action: continue'));
  await project.expect(1, 'up', '-d');
  assert.deepEqual(versions(await state(project)), ['bad', 'bad', 'bad']);

  project.write(replicas('worse', 'max_failure_ratio: 1').replace('!= bad', '!= worse'));
  await project.expect(0, 'up', '-d');
  assert.deepEqual(versions(await state(project)), ['worse', 'worse', 'worse'], 'as many may fail');
});
