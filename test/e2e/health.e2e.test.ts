import assert from 'node:assert/strict';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

async function inspect(project: Project, service: string): Promise<ContainerSummary> {
  const [found] = JSON.parse(await project.expect(0, 'inspect', service)) as readonly ContainerSummary[];
  assert.ok(found);
  return found;
}

e2e('a chain of services that wait for each other to be healthy is up without a polling period', async (project) => {
  const link = (index: number) => `  s${index}:
    command: [sh, -c, 'touch /tmp/ready; exec sleep infinity']
    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 1h}
${index === 0 ? '' : `    depends_on: {s${index - 1}: {condition: service_healthy}}\n`}`;
  project.write(`services:\n${Array.from({ length: 10 }, (_, index) => link(index)).join('')}`);
  await project.expect(0, 'up', '-d', '--wait');
  for (const container of await project.ps()) assert.equal(container.health, 'healthy');
});

e2e('inspect shows the last five looks with their output, ps the health', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    healthcheck:
      test: 'echo looked; head -c 9000 /dev/zero | tr "\\\\0" x; test ! -e /shared/ill'
      interval: 20ms
      retries: 2
    volumes: ['./:/shared']
`);
  await project.expect(0, 'up', '-d', '--wait');
  await until('five looks', async () => (await inspect(project, 'web')).healthResults?.length === 5);
  const web = await inspect(project, 'web');
  for (const { exitCode, output, startedAtMs, endedAtMs } of web.healthResults ?? []) {
    assert.equal(exitCode, 0);
    assert.ok(output.length <= 4096 && output.endsWith('x'), `${output.length} bytes`);
    assert.ok(endedAtMs >= startedAtMs);
  }
  assert.match(await project.expect(0, 'ps'), /\(healthy\)/);
  assert.equal((await project.container('web')).healthResults, undefined, 'not in ps');
  project.write('', 'ill');
  await until('ill health', async () => (await project.container('web')).health === 'unhealthy');
  assert.equal((await inspect(project, 'web')).healthResults?.at(-1)?.exitCode, 1);
});

e2e('a probe is killed at its timeout with what it started and what that daemonised away', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    healthcheck:
      test: '(setsid sh -c "sleep 4711 & exec sleep 4712" &) ; sleep 4713'
      interval: 1h
      timeout: 300ms
      retries: 1
`);
  await project.expect(0, 'up', '-d');
  await until('a look that was killed', async () =>
    (await inspect(project, 'web')).healthResults?.some(({ output }) => /killed after 300 ms/.test(output)),
  );
  const left = await until('a moment without a probe', async () => {
    const { stdout } = await project.tsstack(['top', 'web']);
    return !stdout.includes('sleep 4713') && stdout;
  });
  assert.doesNotMatch(left, /sleep 471/);
  assert.match(left, /sleep infinity/);
});

e2e('health goes on over the end of a daemon, and over a change of something else', async (project) => {
  const stack = (labels: string) => `services:
  web:
    command: [sleep, infinity]
    labels: ${labels}
    healthcheck: {test: [CMD, test, -e, /shared/well], interval: 1h}
    volumes: ['./:/shared']
`;
  project.write('', 'well');
  project.write(stack('{a: b}'));
  await project.expect(0, 'up', '-d', '--wait');
  const before = await inspect(project, 'web');
  await killDaemon(project);
  const after = await inspect(project, 'web');
  assert.equal(after.health, 'healthy');
  assert.deepEqual(after.healthResults?.[0], before.healthResults?.[0], 'its history is kept');
  const looks = after.healthResults?.length;
  project.write(stack('{a: c}'));
  await project.expect(0, 'up', '-d');
  const changed = await inspect(project, 'web');
  assert.deepEqual([changed.health, changed.pid], ['healthy', before.pid]);
  assert.ok((changed.healthResults?.length ?? 0) >= (looks ?? 0));
});

e2e('a dependency that becomes unhealthy fails its dependents at once, and says why', async (project) => {
  project.write(`services:
  db:
    command: [sleep, infinity]
    healthcheck: {test: 'echo no tables; exit 1', interval: 20ms, retries: 2}
  web:
    command: [sleep, infinity]
    depends_on: {db: {condition: service_healthy}}
`);
  const up = await project.tsstack(['up', '-d']);
  assert.equal(up.status, 1);
  assert.match(up.stderr, /db\S* is unhealthy[\s\S]*no tables/);
});

/** The output of the last look at a service that is not ready. */
async function notReady(project: Project, service: string): Promise<string> {
  return until('a look', async () => {
    const { health, healthResults } = await inspect(project, service);
    return health === 'starting' && healthResults?.at(-1)?.output;
  });
}

e2e('x-ready: a service is healthy when what it names is there, without a program of the image', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'until [ -e /shared/go ]; do sleep 0.02; done; mkdir /srv/www; ln -s /srv /www; echo hi >/srv/www/page; ln -s /nowhere /tmp/out; echo now ready; exec busybox httpd -f -p 127.0.0.1:8080 -h /srv/www']
    x-ready: {test: ['tcp:8080', 'http:8080/page', 'file:/www/www/page', 'log:"^now rea+dy$$"'], interval: 50ms, retries: 2, start_period: 1m}
    volumes: ['./:/shared']
  after:
    command: [sleep, infinity]
    depends_on: {web: {condition: service_healthy}}
`);
  const up = project.tsstack(['up', '-d', '--wait']);
  assert.match(await notReady(project, 'web'), /tcp: nothing listens on port 8080/);
  project.write('', 'go');
  const { status, stderr } = await up;
  assert.equal(status, 0, stderr);
  const web = await inspect(project, 'web');
  assert.equal(web.health, 'healthy');
  assert.match(
    web.healthResults?.at(-1)?.output ?? '',
    /^tcp: something listens on port 8080\nhttp: GET \/page of port 8080: 200\nfile: \/www\/www\/page is there\nlog: a line matched/,
  );
  await killDaemon(project);
  assert.equal((await project.container('web')).health, 'healthy', 'the next daemon remembers');
  await project.expect(0, 'exec', 'web', 'rm', '/srv/www/page');
  await until('ill health', async () => (await project.container('web')).health === 'unhealthy');
  assert.match(
    (await inspect(project, 'web')).healthResults?.at(-1)?.output ?? '',
    /http: GET \/page of port 8080: 404/,
  );
});

e2e('x-ready: no link leads out of the container, lines of an earlier run do not count', async (project) => {
  project.write('', 'outside');
  project.write(`services:
  link:
    command: [sh, -c, 'ln -s ${project.directory}/outside /tmp/out; ln -s /proc/1/root/../../../../../..${project.directory}/outside /tmp/up; exec sleep infinity']
    x-ready: file:/tmp/out
  up:
    command: [sh, -c, 'ln -s ../../../../../../../..${project.directory}/outside /tmp/up; exec sleep infinity']
    x-ready: file:/tmp/up
  line:
    command: [sh, -c, '[ -e /tmp/again ] || echo ready; touch /tmp/again; exec sleep infinity']
    x-ready: log:ready
  slow:
    command: [sh, -c, 'head -c 60 /dev/zero | tr "\\0" a; echo; exec sleep infinity']
    x-ready: 'log:^(a+)+$$b'
`);
  await project.expect(0, 'up', '-d');
  await until('the line', async () => (await project.container('line')).health === 'healthy');
  assert.match(await notReady(project, 'link'), /look for \/tmp\/out: no such file/);
  assert.match(await notReady(project, 'up'), /look for \/tmp\/up: no such file/);
  await until('a look at a pattern without end', async () =>
    (await inspect(project, 'slow')).healthResults?.some(({ output }) =>
      /takes longer than 50 ms|no line matched/.test(output),
    ),
  );
  await project.expect(0, 'restart', '-t', '0', 'line');
  assert.match(await notReady(project, 'line'), /no line matched/);
});
