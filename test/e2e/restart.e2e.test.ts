import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

interface Event {
  readonly service: string;
  readonly action: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What happened so far, as `events` prints it. */
async function events(project: Project, service: string): Promise<readonly Event[]> {
  const text = await project.expect(0, 'events', '--since', '1h', '--until', '0s', '--json', service);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

e2e('a container that fails is started again as often as its policy says, and every run is told', async (project) => {
  project.write(`services:
  three:
    command: [sh, -c, 'exit 4']
    restart: on-failure:3
  any:
    command: [sh, -c, 'exit 134']
    deploy: {restart_policy: {condition: any, max_attempts: 2, delay: 10ms}}
  window:
    command: [sh, -c, 'exit 1']
    deploy: {restart_policy: {max_attempts: 2, delay: 10ms, window: 1h}}
  once:
    command: [sh, -c, 'exit 0']
    restart: on-failure
`);
  await project.expect(0, 'up', '-d');
  const [three, any, window, once] = await Promise.all(
    ['three', 'any', 'window', 'once'].map((service) => project.exited(service)),
  );
  assert.deepEqual([three?.restarts, three?.exitCode, three?.signal], [3, 4, undefined]);
  assert.deepEqual([any?.restarts, any?.exitCode, any?.signal], [2, 134, 'SIGABRT']);
  assert.equal(window?.restarts, 2);
  assert.equal(once?.restarts, 0);
  assert.deepEqual(three?.lastEnd?.exitCode, 4);
  const told = (await events(project, 'any')).map(({ action, attributes }) => [
    action,
    attributes['restarts'] ?? attributes['signal'],
  ]);
  assert.deepEqual(told.slice(1), [
    ['start', undefined],
    ['exit', 'SIGABRT'],
    ['restart', '1'],
    ['exit', 'SIGABRT'],
    ['restart', '2'],
    ['exit', 'SIGABRT'],
  ]);
  // A start by the user counts anew.
  await project.expect(0, 'start', 'any');
  await until('two more restarts', async () => (await project.container('any')).restarts === 2);
});

e2e('what the user stopped stays stopped, whoever the daemon is', async (project) => {
  project.write(`services:
  web: {command: [sleep, infinity], restart: always}
  keeper: {command: [sleep, infinity]}
`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'stop', '-t', '0', 'web');
  await killDaemon(project);
  assert.equal((await project.container('web')).status, 'exited');
  assert.equal((await project.container('web')).stoppedByUser, true);
  await project.expect(0, 'start', 'web');
  assert.equal((await project.container('web')).status, 'running');
});

e2e('a back-off goes on where the daemon that was killed left it', async (project) => {
  project.write(`services:
  loop: {command: [sh, -c, 'exit 1'], restart: always}
  keeper: {command: [sleep, infinity]}
`);
  await project.expect(0, 'up', '-d');
  const before = await until('some restarts', async () => {
    const loop = await project.container('loop');
    return loop.restarts >= 3 && loop;
  });
  await killDaemon(project);
  const after = await until('one more restart', async () => {
    const loop = await project.container('loop');
    return loop.restarts > before.restarts && loop;
  });
  assert.ok(after.restarts >= 4);
  await project.expect(0, 'stop');
  assert.equal((await project.container('loop')).status, 'exited');
});

e2e('a kill for lack of memory is told from a plain SIGKILL by the cgroup', async (project) => {
  project.write(`services:
  hungry:
    command: [sh, -c, 'exec tail /dev/zero']
    mem_limit: 16m
    memswap_limit: 16m
  victim: {command: [sleep, infinity]}
  survivor:
    command: [sh, -c, 'tail /dev/zero; exec sleep infinity']
    mem_limit: 16m
    memswap_limit: 16m
`);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('victim');
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  const [hungry, victim] = await Promise.all([project.exited('hungry'), project.exited('victim')]);
  assert.deepEqual([hungry.exitCode, hungry.signal, hungry.oomKilled], [137, 'SIGKILL', true]);
  assert.deepEqual([victim.exitCode, victim.signal, victim.oomKilled], [137, 'SIGKILL', false]);
  assert.match(await project.expect(0, 'ps', '-a'), /Exited \(137\) OOM killed/);
  await until('the kill that was survived to be told', async () =>
    (await events(project, 'survivor')).some(({ action }) => action === 'oom'),
  );
  assert.equal((await project.container('survivor')).status, 'running');
});

e2e('x-on-unhealthy: restart ends an unhealthy container in its grace period and starts it again', async (project) => {
  const check = 'healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 30ms, retries: 2, start_period: 30s}';
  const program = `[sh, -c, 'trap "echo bye; exit 0" TERM; touch /tmp/well; while :; do sleep infinity & wait $$!; done']`;
  project.write(`services:
  ill: {command: ${program}, x-on-unhealthy: restart, stop_grace_period: 1h, ${check}}
  left: {command: ${program}, ${check}}
  limited: {command: [sleep, infinity], x-on-unhealthy: restart, restart: 'on-failure:2', healthcheck: {test: ['CMD', 'false'], interval: 30ms, retries: 1}}
`);
  await project.expect(0, 'up', '-d');
  const before = await until('good health', async () => {
    const [ill, left] = [await project.container('ill'), await project.container('left')];
    return ill.health === 'healthy' && left.health === 'healthy' && ill;
  });
  await project.expect(0, 'exec', 'ill', 'rm', '/tmp/well');
  await project.expect(0, 'exec', 'left', 'rm', '/tmp/well');
  const after = await until('another start', async () => {
    const ill = await project.container('ill');
    return ill.restarts === 1 && ill.health === 'healthy' && ill;
  });
  assert.notEqual(after.pid, before.pid);
  assert.equal(after.lastEnd?.exitCode, 0, 'it was asked to end');
  assert.match(await project.logs('ill'), /bye/);
  const told = await events(project, 'ill');
  const restart = told.find(({ action }) => action === 'restart');
  assert.deepEqual([restart?.attributes['restarts'], restart?.attributes['detail']], ['1', 'it was unhealthy']);
  await until('the one that is left', async () => (await project.container('left')).health === 'unhealthy');
  assert.equal((await project.container('left')).restarts, 0);
  await until('the limit of the policy', async () => {
    const { restarts, health } = await project.container('limited');
    return restarts === 2 && health === 'unhealthy';
  });
  assert.equal((await project.container('limited')).status, 'running');
});

e2e('x-on-unhealthy: restart runs pre_stop first, which has no more time than the grace period', async (project) => {
  const check = 'healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 30ms, retries: 2, start_period: 30s}';
  const program = `[sh, -c, 'trap "echo bye; exit 0" TERM; touch /tmp/well; while :; do sleep infinity & wait $$!; done']`;
  project.write(`services:
  ill:
    command: ${program}
    x-on-unhealthy: restart
    stop_grace_period: 1h
    pre_stop: [{command: [sh, -c, 'echo drained']}]
    ${check}
  slow:
    command: ${program}
    x-on-unhealthy: restart
    stop_grace_period: 300ms
    pre_stop: [{command: [sleep, infinity]}]
    ${check}
  failing:
    command: ${program}
    x-on-unhealthy: restart
    stop_grace_period: 1h
    pre_stop: [{command: [sh, -c, 'exit 9']}]
    ${check}
`);
  const names = ['ill', 'slow', 'failing'];
  await project.expect(0, 'up', '-d', '--wait');
  for (const name of names) await project.expect(0, 'exec', '-T', name, 'rm', '/tmp/well');
  for (const name of names) {
    await until(`another start of ${name}`, async () => (await project.container(name)).restarts >= 1);
  }
  assert.match(await project.logs('ill'), /-> drained\nbye\n/);
  const [ill, slow, failing] = await Promise.all(names.map((name) => project.container(name)));
  assert.deepEqual([ill?.lastEnd?.exitCode, slow?.lastEnd?.exitCode, failing?.lastEnd?.exitCode], [0, 137, 0]);
  assert.match(JSON.stringify(await events(project, 'failing')), /pre_stop\[0\] .* ended with status 9/);
  await project.expect(0, 'down', '-t', '0');
});

e2e('stop while an ill container is being ended does not run its pre_stop hooks again', async (project) => {
  const check = 'healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 30ms, retries: 2, start_period: 30s}';
  const service = (name: string, hook: string): string => `
  ${name}:
    command: [sh, -c, 'trap "echo term >> /out/${name}" TERM; touch /tmp/well; until [ -e /out/end ]; do sleep 0.02; done']
    x-on-unhealthy: restart
    stop_grace_period: 1h
    volumes: ['.:/out']
    pre_stop: [{command: [sh, -c, 'echo hook >> /out/${name}; ${hook}']}]
    ${check}`;
  const hooked = service('hooked', 'until [ -e /out/go ]; do sleep 0.02; done');
  project.write(`services:${hooked}${service('ending', 'true')}\n`);
  const said = (name: string): string => {
    const path = join(project.scratch, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  await project.expect(0, 'up', '-d', '--wait');
  for (const name of ['hooked', 'ending']) await project.expect(0, 'exec', '-T', name, 'rm', '/tmp/well');
  await until('the hooks', () => said('hooked') === 'hook\n' && said('ending') === 'hook\nterm\n');
  const stop = project.expect(0, 'stop');
  await until('the stop', () => said('ending').split('\n').length > 3);
  project.write('', 'go');
  await until('the signals', () => said('hooked').includes('term'));
  project.write('', 'end');
  await stop;
  assert.deepEqual([said('hooked'), said('ending')].join('').match(/hook/g)?.length, 2);
  assert.equal(said('ending'), 'hook\nterm\nterm\n');
  for (const { status, restarts } of await project.ps()) assert.deepEqual([status, restarts], ['exited', 0]);
});
