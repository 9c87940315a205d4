import assert from 'node:assert/strict';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

// What Compose's own end-to-end suite shows of services coming, going and resting; docs/scenarios.md has its table.

const SLEEP = 'command: [sleep, infinity]';

/** `web running`, … of all containers. */
async function states(project: Project): Promise<readonly string[]> {
  return (await project.ps()).map(({ service, status }) => `${service} ${status}`);
}

/** When each container was made: another one has another time. */
async function made(project: Project): Promise<Readonly<Record<string, number>>> {
  return Object.fromEntries((await project.ps()).map(({ name, createdAtMs }) => [name, createdAtMs]));
}

e2e('TestRm: rm -sf removes the service that is named, or all; up brings them back', async (project) => {
  project.write(`services: {simple: {${SLEEP}}, another: {${SLEEP}}}\n`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'rm', '--stop', '--force', 'simple');
  assert.deepEqual(await states(project), ['another running']);
  await project.expect(0, 'up', '-d');
  assert.deepEqual(await states(project), ['another running', 'simple running']);
  await project.expect(0, 'rm', '-sf');
  assert.deepEqual(await states(project), []);
});

e2e(
  'TestStartStop, TestRemoveOrphaned: stop keeps containers, start takes the same, ls knows; down of one is of one',
  async (project) => {
    project.write(`services: {web: {${SLEEP}}, words: {${SLEEP}}, db: {${SLEEP}}}\n`);
    await project.expect(0, 'up', '-d');
    const listed = async (...args: string[]) => (await project.expect(0, 'ls', '-q', ...args)).includes(project.name);
    assert.equal(await listed(), true);
    const before = await made(project);
    await project.expect(0, 'stop', '-t', '0');
    assert.deepEqual(await states(project), ['db exited', 'web exited', 'words exited']);
    assert.deepEqual([await listed(), await listed('--all')], [false, true]);
    await project.expect(0, 'start');
    assert.deepEqual(await states(project), ['db running', 'web running', 'words running']);
    assert.deepEqual(await made(project), before);
    await project.expect(0, 'down', '--remove-orphans', '-t', '0', 'web');
    assert.deepEqual(await states(project), ['db running', 'words running']);
  },
);

e2e('up SERVICE makes no orphans of the others, whatever it is told to do with orphans', async (project) => {
  project.write(`services: {web: {${SLEEP}}, db: {${SLEEP}}}\n`);
  await project.expect(0, 'up', '-d');
  const { status, stderr } = await project.tsstack(['up', '-d', '--remove-orphans', 'web']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Nothing to do/);
  assert.deepEqual(await states(project), ['db running', 'web running']);
  project.write(`services: {web: {${SLEEP}}, job: {command: [echo, done]}}\n`);
  assert.match((await project.tsstack(['run', '--rm', '-T', 'job'])).stderr, /no longer in the stack file: \S+-db-1\./);
});

e2e('TestRestart: a service that has ended is started again, as the same container', async (project) => {
  project.write("services: {app: {command: [sh, -c, 'test -e /lock && exec sleep 1000; touch /lock'], init: true}}\n");
  await project.expect(0, 'up', '-d');
  await project.exited('app');
  const before = await made(project);
  await project.expect(0, 'restart');
  assert.deepEqual(await states(project), ['app running']);
  assert.deepEqual(await made(project), before);
});

e2e(
  'TestPause, TestPauseServiceAlreadyPaused: pause freezes one; again is an error; unpause goes on',
  async (project) => {
    project.write(`services: {a: {${SLEEP}}, b: {${SLEEP}}}\n`);
    await project.expect(0, 'up', '-d');
    const before = await made(project);
    await project.expect(0, 'pause', 'a');
    assert.deepEqual(await states(project), ['a paused', 'b running']);
    const again = await project.tsstack(['pause', 'a']);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /-a-1 is already paused/);
    await project.expect(0, 'unpause', 'a');
    assert.deepEqual(await states(project), ['a running', 'b running']);
    assert.deepEqual(await made(project), before);
  },
);

e2e('TestExplicitProfileUsage: --profile counts for up, stop, start, restart and down', async (project) => {
  project.write(`services: {regular: {${SLEEP}}, profiled: {${SLEEP}, profiles: [extra]}}\n`);
  const both = async (status: string, ...args: string[]) => {
    await project.expect(0, '--profile', 'extra', ...args);
    assert.deepEqual(await states(project), [`profiled ${status}`, `regular ${status}`]);
  };
  await both('running', 'up', '-d');
  const before = await made(project);
  await both('exited', 'stop', '-t', '0');
  await both('running', 'start');
  await both('running', 'restart', '-t', '0');
  assert.deepEqual(await made(project), before);
  await project.expect(0, '--profile', 'extra', 'down', '-t', '0');
  assert.deepEqual(await states(project), []);
});

e2e(
  'TestActiveProfileViaTargetedService, TestUpProfile: naming a service enables its profile for it and its needs',
  async (project) => {
    project.write(`services:
  regular: {${SLEEP}}
  profiled: {${SLEEP}, profiles: [extra], depends_on: [needed]}
  needed: {${SLEEP}, profiles: [extra]}
  sibling: {${SLEEP}, profiles: [extra]}
`);
    await project.expect(0, 'up', '-d', 'profiled');
    assert.deepEqual(await states(project), ['needed running', 'profiled running']);
    const before = await made(project);
    await project.expect(0, 'stop', '-t', '0', 'profiled');
    assert.deepEqual(await states(project), ['needed running', 'profiled exited']);
    await project.expect(0, 'start', 'profiled');
    await project.expect(0, 'restart', '-t', '0');
    assert.deepEqual(await states(project), ['needed running', 'profiled running']);
    assert.deepEqual(await made(project), before);
  },
);

e2e('TestUnnecessaryResources: an external network that is not there fails only who uses it', async (project) => {
  project.write(`services:
  test: {${SLEEP}}
  other: {${SLEEP}, networks: {gone: {ipv4_address: 8.8.8.8}}}
networks: {gone: {external: true, name: foo_bar}}
`);
  const all = await project.tsstack(['up', '-d']);
  assert.equal(all.status, 1);
  assert.match(all.stderr, /External network "foo_bar" was not found/);
  await project.expect(0, 'up', '-d', 'test');
  assert.deepEqual(await states(project), ['test running']);
});

e2e(
  'TestUpContainerNameConflict: two services of one container_name are refused together; each runs alone',
  async (project) => {
    const name = `${project.name}-fixed`;
    project.write(
      `services: {test: {${SLEEP}, container_name: ${name}}, another: {${SLEEP}, container_name: ${name}}}\n`,
    );
    const both = await project.tsstack(['up', '-d']);
    assert.equal(both.status, 2);
    assert.match(both.stderr, /same container_name/);
    assert.deepEqual(await states(project), []);
    for (const service of ['test', 'another']) {
      await project.expect(0, 'up', '-d', service);
      assert.deepEqual(
        (await project.ps()).map((each) => [each.service, each.name]),
        [[service, name]],
      );
      await project.expect(0, 'down', '-t', '0');
    }
  },
);

e2e('TestWaitOnFaster: wait returns when the service that is named has ended', async (project) => {
  project.write(
    `services: {faster: {command: [sleep, '0.3']}, slower: {command: [sleep, '3']}, infinity: {${SLEEP}}}\n`,
  );
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'wait', 'faster');
  assert.deepEqual(await states(project), ['faster exited', 'infinity running', 'slower running']);
});

e2e(
  'TestPreStopHookSuccessWithPreviousStop: stop of one service runs its hook and leaves the other',
  async (project) => {
    project.write(`services:
  sample: {${SLEEP}, volumes: ['data:/data'], pre_stop: [{command: [sh, -c, 'echo in pre_stop >> /data/log']}]}
  test: {${SLEEP}, volumes: ['data:/data']}
volumes: {data: {}}
`);
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'stop', '-t', '2', 'sample');
    assert.deepEqual(await states(project), ['sample exited', 'test running']);
    assert.equal(await project.expect(0, 'exec', '-T', 'test', 'cat', '/data/log'), 'in pre_stop\n');
  },
);

e2e('TestLocalComposeLogs: logs of all, of some, and of one replica', async (project) => {
  project.write(`services: {ping: {command: [echo, pong]}, hello: {command: [echo, hello], deploy: {replicas: 2}}}\n`);
  await project.expect(0, 'up', '-d');
  const all = await until('all lines', async () => {
    const text = await project.expect(0, 'logs');
    return text.trimEnd().split('\n').length === 3 && text;
  });
  assert.match(all, /^ping-1 +\| pong$/m);
  assert.doesNotMatch(await project.expect(0, 'logs', 'ping'), /hello/);
  assert.match(await project.expect(0, 'logs', 'ping', 'hello'), /hello-2/);
  const second = await project.expect(0, 'logs', '--index', '2', 'hello');
  assert.match(second, /^hello-2 +\| hello\n$/);
});
