import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

// What Compose's own end-to-end suite shows of up, hooks and volumes; docs/scenarios.md has its table.

const SLEEP = 'command: [sleep, infinity]';

async function states(project: Project): Promise<readonly string[]> {
  return (await project.ps()).map(({ service, status }) => `${service} ${status}`);
}

e2e(
  'TestCascadeFail, TestUpExitCodeFrom: up aborts on a failure, or at the end of one service, with its status',
  async (project) => {
    project.write(`services:
  running: {${SLEEP}, stop_grace_period: 100ms}
  exit: {command: ['true'], depends_on: [running]}
  fail: {command: [sh, -c, 'exit 111'], depends_on: {exit: {condition: service_completed_successfully}}}
`);
    const { status, stderr } = await project.tsstack(['up', '--abort-on-container-failure']);
    assert.equal(status, 111, stderr);
    assert.match(stderr, /fail-1 exited with code 111/);
    assert.deepEqual(await states(project), ['exit exited', 'fail exited', 'running exited']);
    await project.expect(111, 'up', '--exit-code-from', 'fail');
  },
);

e2e('TestUpWait, TestStartInterval: --wait returns with what is done and what is healthy, soon', async (project) => {
  project.write(`services:
  runner: {${SLEEP}, depends_on: {job: {condition: service_completed_successfully}}}
  job: {command: ['true']}
  test: {${SLEEP}, healthcheck: {test: 'true', interval: 30s, start_period: 10s, start_interval: 100ms}}
  error: {${SLEEP}, profiles: [bad], healthcheck: {test: 'true', interval: 30s, start_interval: 1s}}
`);
  const begin = Date.now();
  await project.expect(0, 'up', '-d', '--wait');
  assert.ok(Date.now() - begin < 15_000);
  assert.deepEqual(await states(project), ['job exited', 'runner running', 'test running']);
  assert.equal((await project.container('test')).health, 'healthy');
  const refused = await project.tsstack(['up', '-d', '--wait', 'error']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /start_interval counts during healthcheck\.start_period, and there is none/);
});

e2e(
  'TestStdoutStderr, TestStopWithDependenciesAttached: streams stay apart; up ends with its services',
  async (project) => {
    project.write(`services:
  both: {command: [sh, -c, 'echo to stdout; echo to stderr >&2'], depends_on: [dependency]}
  dependency: {command: [echo, hello], stop_grace_period: 0s}
`);
    const { status, stdout, stderr } = await project.tsstack(['up', '--attach-dependencies', 'both']);
    assert.equal(status, 0);
    assert.match(stdout, /both-1 +\| to stdout/);
    assert.match(stdout, /dependency-1 +\| hello/);
    assert.match(stderr, /both-1 exited with code 0/);
  },
);

e2e(
  'TestUpWithDependencyExit, TestUpWithDependencyNotRequired: up fails with what it needs, unless that is optional',
  async (project) => {
    project.write(`services:
  web: {${SLEEP}, depends_on: {db: {condition: service_healthy}}}
  db: {command: [sh, -c, 'exit 3'], healthcheck: {test: 'true', interval: 60s}}
  easy: {${SLEEP}, depends_on: {db: {condition: service_healthy, required: false}}}
`);
    const failed = await project.tsstack(['up', '-d', 'web']);
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /service\.db\[1\] ended with status 3 before it was healthy/);
    assert.deepEqual(await states(project), []);
    const { status, stderr } = await project.tsstack(['up', '-d', 'easy']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /db.*ended with status 3/);
    assert.equal((await project.container('easy')).status, 'running');
  },
);

e2e(
  'TestPostStartHookInError, TestPreStartHookInError: a hook that fails fails up, and what up made is undone',
  async (project) => {
    for (const hook of ['post_start', 'pre_start']) {
      project.write(`services: {test: {${SLEEP}, ${hook}: [{command: [sh, -c, 'exit 42']}]}}\n`);
      const { status, stderr } = await project.tsstack(['up', '-d']);
      assert.equal(status, 1);
      assert.match(stderr, /42/);
      assert.deepEqual(await states(project), []);
    }
  },
);

e2e(
  'TestPreStartHook…: once for a new service, not when it runs or is scaled, and again when it is made anew',
  async (project) => {
    project.write(`services:
  sample:
    command: [sh, -c, 'cat /shared/tokens; sleep 1000']
    deploy: {replicas: 2}
    stop_grace_period: 0s
    volumes: ['data:/shared']
    pre_start: [{command: [sh, -c, 'echo token >> /shared/tokens']}]
volumes: {data: {}}
`);
    const tokens = async () => (await project.expect(0, 'exec', '-T', 'sample', 'cat', '/shared/tokens')).length / 6;
    await project.expect(0, 'up', '-d', '--wait');
    assert.match(await until('its output', () => project.logs('sample')), /token/);
    assert.equal(await tokens(), 1);
    assert.match((await project.tsstack(['up', '-d'])).stderr, /Nothing to do/);
    await project.expect(0, 'up', '-d', '--scale', 'sample=3');
    assert.equal(await tokens(), 1);
    await project.expect(0, 'up', '-d', '--force-recreate');
    assert.equal(await tokens(), 2);
  },
);

e2e('TestRemoveOrphans: COMPOSE_REMOVE_ORPHANS in .env lets up take ended one-offs away', async (project) => {
  project.write(`services: {orphan: {command: [echo, hello], profiles: [run]}, test: {${SLEEP}}}\n`);
  project.write('COMPOSE_REMOVE_ORPHANS=true\n', '.env');
  await project.expect(0, 'run', '-T', 'orphan');
  assert.equal((await project.ps()).length, 1);
  await project.expect(0, 'up', '-d');
  assert.deepEqual(await states(project), ['test running']);
});

e2e('TestUpWithAllResources: volumes and networks that no service uses are made, and only with it', async (project) => {
  project.write(`services: {app: {${SLEEP}}}\nvolumes: {my_vol: {}}\nnetworks: {my_net: {}}\n`);
  await project.expect(0, 'up', '-d');
  assert.equal(await project.expect(0, 'volumes', '-q'), '');
  const { stderr } = await project.tsstack(['up', '-d', '--all-resources']);
  assert.match(stderr, /volume\.my_vol created/);
  assert.match(stderr, /network\.my_net created/);
  assert.match(await project.expect(0, 'volumes', '-q'), /_my_vol/);
  assert.match((await project.tsstack(['up', '-d', '--all-resources'])).stderr, /Nothing to do/);
});

const VOLUME = (options: string) => `services:
  app: {${SLEEP}, stop_grace_period: 0s, volumes: ['my_vol:/my_vol']}
  other: {${SLEEP}}
volumes: {my_vol: {${options}}}
`;

e2e(
  'TestUpRecreateVolumes: new labels keep the data; another definition is refused, asked for, or done with -y',
  async (project) => {
    const name = `${project.name}_my_vol`;
    const label = async () => JSON.parse(await project.expect(0, 'volume', 'inspect', name))[0].labels.foo;
    const content = () => project.tsstack(['exec', '-T', 'app', 'cat', '/my_vol/kept']);
    project.write(VOLUME('labels: {foo: bar}'));
    await project.expect(0, 'up', '-d');
    assert.equal(await label(), 'bar');
    await project.expect(0, 'exec', '-T', 'app', 'sh', '-c', 'echo data > /my_vol/kept');
    const { pid } = await project.container('app');
    project.write(VOLUME('labels: {foo: zot}'));
    await project.expect(0, 'up', '-d', '-y');
    assert.equal(await label(), 'zot');
    assert.deepEqual([(await content()).stdout, (await project.container('app')).pid], ['data\n', pid]);

    const other = (await project.container('other')).pid;
    project.write(VOLUME('driver_opts: {type: tmpfs}'));
    const refused = await project.tsstack(['up', '-d']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /would destroy its data/);
    assert.match(refused.stderr, /up --yes/);
    assert.equal((await content()).stdout, 'data\n');
    assert.match(await project.expect(0, 'up', '-d', '-y', '--dry-run'), /± volume\.my_vol/);
    assert.equal((await content()).stdout, 'data\n');
    await project.expect(0, 'up', '-d', '-y');
    assert.equal((await content()).status, 1, 'its data has gone');
    assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${name}/data .* tmpfs`));
    assert.notEqual((await project.container('app')).pid, pid);
    assert.equal((await project.container('other')).pid, other);
    await project.expect(0, 'plan', '--check');
  },
);

e2e(
  'up at a terminal asks before it makes a volume again: no leaves it, yes does it',
  async (project) => {
    project.write(VOLUME(''));
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'exec', '-T', 'app', 'sh', '-c', 'echo data > /my_vol/kept');
    project.write(VOLUME('driver_opts: {type: tmpfs}'));
    const answer = async (text: string) =>
      run(['script', '-qec', `${TSSTACK} -p ${project.name} up -d`, '/dev/null'], {
        cwd: project.directory,
        stdin: text,
      });
    const no = await answer('n\n');
    assert.match(no.stdout, /all data in it is lost/);
    assert.equal(no.status, 1);
    assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/my_vol/kept'), 'data\n');
    assert.equal((await answer('y\n')).status, 0);
    await project.expect(1, 'exec', '-T', 'app', 'cat', '/my_vol/kept');
  },
  { needs: ['script'] },
);

e2e('a volume is not made again while a container that stays mounts it, be it agreed to', async (project) => {
  project.write(VOLUME(''));
  await project.expect(0, 'up', '-d');
  const job = (await project.expect(0, 'run', '-d', 'app')).trim();
  project.write(VOLUME('driver_opts: {type: tmpfs}'));
  const refused = await project.tsstack(['up', '-d', '-y']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, new RegExp(`remove container "${job}"`));
});

e2e('TestUpRecreateVolumesIgnoreBinds: a bind mount is no change', async (project) => {
  mkdirSync(join(project.scratch, 'data'));
  writeFileSync(join(project.scratch, 'data/file'), 'x');
  project.write(`services: {app: {${SLEEP}, volumes: ['./data:/data']}}\n`);
  await project.expect(0, 'up', '-d');
  assert.match((await project.tsstack(['up', '-d'])).stderr, /Nothing to do/);
});
