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
  assert.match(up.stderr, /db.*unhealthy: no tables/);
});
