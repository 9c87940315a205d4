import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type FakeDaemon, fakeDaemon, json, ndjson, type Route } from './fake-daemon.ts';
import { cli, startCli } from './run-cli.ts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tsstack -p demo ARGS` against a daemon that answers these routes; gives what was sent as well. */
async function demo(
  routes: Readonly<Record<string, Route>>,
  ...argv: string[]
): Promise<Outcome & { readonly sent: FakeDaemon['requests'] }> {
  const daemon = await fakeDaemon(routes);
  try {
    const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
    const { status, stdout, stderr } = await cli('/', ['-p', 'demo', ...argv], env);
    return { status, stdout, stderr, sent: daemon.requests };
  } finally {
    await daemon.close();
  }
}

const SELECTOR = { stack: 'demo' };
const answer =
  (value: unknown): Route =>
  (_body, response) =>
    json(response, value);

test('kill sends the signal as it was written, and says who got it', async () => {
  const routes = { 'POST /v1/kill': answer({ containers: ['demo-web-1'] }) };
  const hup = await demo(routes, 'kill', '-s', 'HUP', 'web');
  assert.deepEqual([hup.status, hup.stdout, hup.stderr], [0, '', 'demo-web-1 got the signal HUP\n']);
  assert.deepEqual(hup.sent, [
    { route: 'POST /v1/kill', body: { selector: SELECTOR, services: ['web'], signal: 'HUP' } },
  ]);
  const plain = await demo(routes, 'kill', '--format', 'json');
  assert.deepEqual(JSON.parse(plain.stdout), { containers: ['demo-web-1'] });
  assert.deepEqual(plain.sent[0]?.body, { selector: SELECTOR, services: [] });
});

test('kill says that nothing runs, which is no failure', async () => {
  const { status, stderr } = await demo({ 'POST /v1/kill': answer({ containers: [] }) }, 'kill');
  assert.deepEqual([status, stderr], [0, 'No container runs that could be killed\n']);
});

test('pause and unpause say what they did, each through its own route', async () => {
  for (const [name, words] of [
    ['pause', 'paused'],
    ['unpause', 'goes on'],
  ] as const) {
    const { stderr, sent } = await demo({ [`POST /v1/${name}`]: answer({ containers: ['demo-db-1'] }) }, name, 'db');
    assert.equal(stderr, `demo-db-1 ${words}\n`);
    assert.deepEqual(sent[0]?.body, { selector: SELECTOR, services: ['db'] });
  }
});

test('top prints the columns of ps for each container', async () => {
  const noon = new Date();
  noon.setSeconds(0, 0);
  const process_ = {
    uid: 100_033,
    user: 'www',
    pid: 71,
    ppid: 7,
    cpuPercent: 2,
    startedAtMs: noon.getTime(),
    cpuMs: 3_661_000,
  };
  const old = { ...process_, pid: 72, startedAtMs: new Date(2020, 0, 2).getTime(), tty: 'pts/0', command: 'sh' };
  const containers = [
    { stack: 'demo', service: 'db', index: 1, name: 'demo-db-1', processes: [{ ...process_, command: 'db -x' }, old] },
    { stack: 'demo', service: 'web', index: 1, name: 'demo-web-1', processes: [] },
  ];
  const { stdout, sent } = await demo({ 'POST /v1/top': answer(containers) }, 'top', 'db');
  const since = `${String(noon.getHours()).padStart(2, '0')}:${String(noon.getMinutes()).padStart(2, '0')}`;
  assert.deepEqual(
    stdout.split('\n').map((line) => line.split(/ +/).join(' ')),
    [
      'demo-db-1',
      'UID PID PPID C STIME TTY TIME CMD',
      `www 71 7 2 ${since} ? 01:01:01 db -x`,
      'www 72 7 2 2020-01-02 pts/0 01:01:01 sh',
      '',
      'demo-web-1',
      'UID PID PPID C STIME TTY TIME CMD',
      '',
    ],
  );
  assert.deepEqual(sent[0]?.body, { selector: SELECTOR, services: ['db'] });
});

const SUMMARY = { stack: 'demo', service: 'web', index: 1, name: 'demo-web-1', status: 'running', ports: [] };

test('port prints the address of the first replica that has it, of --protocol and --index', async () => {
  const port = (hostPort: number, protocol = 'tcp', hostIp?: string) => ({
    hostPort,
    protocol,
    containerPort: 80,
    ...(hostIp !== undefined && { hostIp }),
  });
  const containers = [
    { ...SUMMARY, ports: [port(8080), port(8081, 'udp', '127.0.0.1')] },
    { ...SUMMARY, index: 2, name: 'demo-web-2', ports: [port(8082, 'tcp', '::1')] },
  ];
  const routes = { 'POST /v1/containers': answer(containers) };
  assert.equal((await demo(routes, 'port', 'web', '80')).stdout, '0.0.0.0:8080\n');
  assert.equal((await demo(routes, 'port', '--protocol', 'udp', 'web', '80')).stdout, '127.0.0.1:8081\n');
  assert.equal((await demo(routes, 'port', '--index', '2', 'web', '80')).stdout, '[::1]:8082\n');
  const json_ = await demo(routes, 'port', 'web', '80', '--format', 'json');
  assert.deepEqual(JSON.parse(json_.stdout), port(8080));
  const other = await demo(routes, 'port', 'web', '443');
  assert.equal(other.status, 1);
  assert.match(other.stderr, /does not publish 443\/tcp\n.*0\.0\.0\.0:8080->80\/tcp/);
  for (const argv of [['web'], ['web', '0'], ['web', 'http'], ['web', '80', '81'], ['--protocol', 'x', 'web', '80']]) {
    assert.equal((await demo(routes, 'port', ...argv)).status, 2, argv.join(' '));
  }
});

test('wait says of each how it ended, and ends with the status of the first', async () => {
  const ended = (index: number, exitCode: number, finishedAtMs: number) => {
    return { ...SUMMARY, index, name: `demo-web-${index}`, status: 'exited', exitCode, finishedAtMs };
  };
  const second = ended(2, 3, 10);
  const states = [
    [{ ...SUMMARY }, second],
    [{ ...SUMMARY, status: 'restarting', exitCode: 9 }, second],
    [ended(1, 4, 20), second],
  ];
  let asked = 0;
  const routes: Record<string, Route> = {
    'POST /v1/containers': (_body, response) => json(response, states[asked++] ?? states.at(-1)),
    'GET /v1/stacks/demo/events': (_body, response) => ndjson(response, [{ event: 'exit' }]),
    'POST /v1/down': (_body, response) => ndjson(response, [{ type: 'done', result: { stack: 'demo' } }]),
  };
  const plain = await demo(routes, 'wait', 'web');
  const lines = 'container "demo-web-2" exited with status code 3\ncontainer "demo-web-1" exited with status code 4\n';
  assert.deepEqual([plain.status, plain.stdout], [3, lines]);
  assert.equal(plain.sent.filter(({ route }) => route === 'POST /v1/down').length, 0);
  const down = await demo(routes, 'wait', '--down-project', 'web');
  assert.equal(down.status, 3);
  assert.equal(down.sent.filter(({ route }) => route === 'POST /v1/down').length, 1);
});

test('wait has nothing to wait for where nothing was ever started', async () => {
  for (const containers of [[], [{ ...SUMMARY, status: 'created' }]]) {
    assert.equal((await demo({ 'POST /v1/containers': answer(containers) }, 'wait')).status, 1);
  }
});

test('events prints what comes, of the services named, and goes on with the next daemon', async () => {
  const at = (second: number) => Date.UTC(2026, 0, 2, 3, 4, second);
  const event = (second: number, service: string, what: object) => {
    return { timeMs: at(second), stack: 'demo', address: `service.${service}[2]`, ...what };
  };
  const asked: (string | undefined)[] = [];
  const daemon = await fakeDaemon({
    'GET /v1/version': answer({}),
    'GET /v1/stacks/demo/events': (_body, response, { url }) => {
      asked.push(url?.split('?')[1]);
      const healthy = event(6, 'web', { event: 'health', health: 'healthy' });
      if (asked.length > 1) ndjson(response, [healthy, event(9, 'web', { event: 'exit', exitCode: 3 })]);
      else ndjson(response, [event(5, 'db', { event: 'start' }), healthy]);
    },
  });
  try {
    const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
    const child = startCli('/', ['-p', 'demo', 'events', '--since', '2026-01-02T03:04:05Z', 'web'], env);
    let shown = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      shown += text;
      if (shown.split('\n').length > 2) break;
    }
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual((await ended)[0], 0);
    assert.equal(
      shown,
      '2026-01-02T03:04:06.000Z container health service.web[2] (health=healthy)\n' +
        '2026-01-02T03:04:09.000Z container exit service.web[2] (exitCode=3)\n',
    );
    assert.deepEqual(asked.slice(0, 2), [`since=${at(5)}`, `since=${at(6)}`]);
  } finally {
    await daemon.close();
  }
});

test('events --json has the fields that Compose prints', async () => {
  const timeMs = Date.UTC(2026, 0, 2);
  const named = { name: 'demo-web-1', image: 'oci:/web:v1' };
  const daemon = await fakeDaemon({
    'GET /v1/stacks/demo/events': (_body, response) => {
      response.write(
        `${JSON.stringify({ timeMs, stack: 'demo', address: 'service.web[1]', event: 'oom', ...named })}\n`,
      );
    },
  });
  try {
    const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
    const child = startCli('/', ['-p', 'demo', 'events', '--json'], env);
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    assert.deepEqual(JSON.parse(line), {
      time: '2026-01-02T00:00:00.000Z',
      type: 'container',
      service: 'web',
      index: 1,
      id: 'service.web[1]',
      action: 'oom',
      attributes: named,
    });
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual((await ended)[0], 0);
  } finally {
    await daemon.close();
  }
});

test('rm removes nothing that nobody agreed to, and nothing that runs unless -s says so', async () => {
  const exited = { ...SUMMARY, service: 'job', name: 'demo-job-1', status: 'exited' };
  const routes = {
    'POST /v1/containers': answer([SUMMARY, exited]),
    'POST /v1/rm': ((_body, response) => ndjson(response, [{ type: 'done', result: {} }])) satisfies Route,
  };
  const removals = ({ sent }: { sent: FakeDaemon['requests'] }) =>
    sent.filter(({ route }) => route === 'POST /v1/rm').map(({ body }) => ({ ...(body as object), requestId: '' }));
  const asked = await demo(routes, 'rm');
  assert.equal(asked.status, 2);
  assert.match(asked.stderr, /removes demo-job-1, .* no terminal\n.*-f/);
  assert.deepEqual(removals(asked), []);
  const body = { selector: SELECTOR, requestId: '', services: [], stop: false, removeVolumes: false };
  assert.deepEqual(removals(await demo(routes, 'rm', '-f')), [body]);
  const all = await demo(routes, 'rm', '-fsv', 'web');
  assert.deepEqual(removals(all), [{ ...body, services: ['web'], stop: true, removeVolumes: true }]);
  const none = await demo({ ...routes, 'POST /v1/containers': answer([SUMMARY]) }, 'rm', '-f');
  assert.deepEqual([none.status, none.stderr, removals(none)], [0, 'No stopped containers\n', []]);
});

test('create and up --no-start ask for the same, and return when it is done', async () => {
  const plan = { stack: 'demo', changes: [], steps: [], conflicts: [], warnings: [], orphans: [] };
  const done = { type: 'done', result: { stack: 'demo', services: ['web'] } };
  const routes: Record<string, Route> = {
    'POST /v1/up': (_body, response) => ndjson(response, [{ type: 'plan', plan }, done]),
  };
  for (const argv of [['create'], ['up', '--no-start']]) {
    const { status, stderr, sent } = await demo(routes, ...argv, '--remove-orphans', 'web');
    assert.equal(status, 0);
    assert.match(stderr, /Nothing to do/);
    assert.deepEqual(
      sent.map(({ route }) => route),
      ['POST /v1/up'],
    );
    const { noStart, wait, removeOrphans, forceRecreate } = (sent[0]?.body ?? {}) as Record<string, unknown>;
    assert.deepEqual([noStart, wait, removeOrphans, forceRecreate], [true, false, true, false]);
  }
  assert.equal((await demo(routes, 'up', '--no-start', '--wait')).status, 2);
});

test('scale asks for an up of its services, and --scale takes SERVICE=N as often as it is given', async () => {
  const plan = { stack: 'demo', changes: [], steps: [], conflicts: [], warnings: [], orphans: [] };
  const done = { type: 'done', result: { stack: 'demo', services: ['web'] } };
  const routes: Record<string, Route> = {
    'POST /v1/up': (_body, response) => ndjson(response, [{ type: 'plan', plan }, done]),
  };
  const asked = (sent: readonly { readonly body: unknown }[]) => {
    const { load } = (sent[0]?.body ?? {}) as { readonly load?: Record<string, unknown> };
    return { services: load?.['services'], scale: load?.['scale'] };
  };
  const scaled = await demo(routes, 'scale', 'web=3', 'db=0');
  assert.deepEqual(asked(scaled.sent), { services: ['web', 'db'], scale: { web: 3, db: 0 } });
  const upped = await demo(routes, 'up', '-d', '--scale', 'web=1', '--scale=web=2', '--scale', 'db=4');
  assert.deepEqual(asked(upped.sent), { services: [], scale: { web: 2, db: 4 } });
  for (const argv of [['scale'], ['scale', 'web'], ['scale', 'web=-1'], ['up', '--scale', 'web=many']]) {
    assert.equal((await demo(routes, ...argv)).status, 2, argv.join(' '));
  }
});

test('explain shows the steps of each launcher, with their numbers', async () => {
  const steps = [
    { first: 0, last: 0, call: 'unshare', does: 'make namespaces: mount' },
    { first: 1, last: 27, call: 'prctl', does: 'keep of the bounding set nothing' },
  ];
  const explained = [{ name: 'demo-web-1', service: 'web', index: 1, steps }];
  const routes = { 'POST /v1/explain': answer(explained) };
  const { status, stdout, sent } = await demo(routes, 'explain', 'web');
  assert.deepEqual([status, sent[0]?.body], [0, { selector: SELECTOR, services: ['web'] }]);
  assert.match(stdout, /^demo-web-1\nSTEP +CALL +DOES\n0 +unshare +make namespaces: mount\n1-27 +prctl +keep of/);
  assert.deepEqual(JSON.parse((await demo(routes, 'explain', '--format', 'json')).stdout), explained);
});
