import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';

const stack = (keys: string) =>
  `services:\n  web:\n    command: [sleep, infinity]\n${keys.replaceAll(/^/gm, '    ')}\n`;

e2e('a changed limit is written in place: same process, new value in the kernel', async (project) => {
  project.write(stack('mem_limit: 64m\npids_limit: 50'));
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');

  project.write(stack('mem_limit: 96m\npids_limit: 60'));
  const plan = await project.expect(3, 'plan', '--check');
  assert.match(plan, /~ .*service\.web/);
  assert.doesNotMatch(plan, /±/);
  await project.expect(0, 'up', '-d');

  assert.equal((await project.container('web')).pid, pid);
  assert.equal(project.cgroup('web', 'memory/memory.limit_in_bytes', 'memory.max'), String(96 * 1024 * 1024));
  assert.equal(project.cgroup('web', 'pids/pids.max', 'pids.max'), '60');
  await project.expect(0, 'plan', '--check');
});

e2e('a changed environment replaces the container, and the plan names the field', async (project) => {
  project.write(stack('environment: {COLOUR: red}'));
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');

  project.write(stack('environment: {COLOUR: blue}'));
  const plan = await project.expect(3, 'plan', '--check');
  assert.match(plan, /± .*service\.web/);
  assert.match(plan, /COLOUR/);
  await project.expect(0, 'up', '-d');

  assert.notEqual((await project.container('web')).pid, pid);
  assert.equal(await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo $COLOUR'), 'blue\n');
  await project.expect(0, 'plan', '--check');
});

e2e(
  'a service taken out of the file is an orphan until --remove-orphans, the others are left alone',
  async (project) => {
    project.write(`${stack('')}  extra:\n    command: [sleep, infinity]\n`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('web');

    project.write(stack(''));
    await project.expect(0, 'up', '-d');
    assert.equal((await project.ps()).length, 2);
    await project.expect(0, 'up', '-d', '--remove-orphans');
    assert.deepEqual(
      (await project.ps()).map((each) => each.service),
      ['web'],
    );
    assert.equal((await project.container('web')).pid, pid);
  },
);

e2e('a cgroup limit that somebody else changed is drift: the plan says so and up puts it right', async (project) => {
  project.write(stack('cpu_shares: 512\nmem_limit: 64m'));
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'plan', '--check');
  const { pid } = await project.container('web');

  project.setCgroup('web', 'memory/memory.limit_in_bytes', 'memory.max', String(48 * 1024 * 1024));
  await project.expect(3, 'plan', '--check');
  await project.expect(0, 'up', '-d');
  assert.equal(project.cgroup('web', 'memory/memory.limit_in_bytes', 'memory.max'), String(64 * 1024 * 1024));
  assert.equal((await project.container('web')).pid, pid);
});

e2e('replicas come and go by number, each with a pid of its own', async (project) => {
  project.write(stack('scale: 3'));
  await project.expect(0, 'up', '-d');
  const three = await project.ps();
  assert.deepEqual(three.map((each) => each.index).sort(), [1, 2, 3]);
  assert.equal(new Set(three.map((each) => each.pid)).size, 3);

  project.write(stack('scale: 1'));
  await project.expect(0, 'up', '-d');
  const one = await project.ps();
  assert.deepEqual(
    one.map((each) => each.pid),
    three.filter((each) => each.index === 1).map((each) => each.pid),
  );
});
