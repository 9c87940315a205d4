import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

e2e('post_start runs in the container, in order, as it is told to, before dependents start', async (project) => {
  project.write(`services:
  db:
    command: [sleep, infinity]
    environment: {OWN: own}
    volumes: ['.:/out']
    post_start:
      - command: 'sh -c "echo first $$OWN $$WORD $$(pwd) $$(id -u); echo 1 >> /out/order"'
        environment: {WORD: word}
        working_dir: /usr
        user: '1234'
      - command: [sh, -c, 'echo 2 >> /out/order; grep CapEff /proc/self/status; readlink /proc/self/ns/pid']
        privileged: true
  web:
    command: [sh, -c, 'echo 3 >> /out/order; exec sleep infinity']
    volumes: ['.:/out']
    depends_on: [db]
`);
  await run(['chmod', '777', project.scratch]);
  await project.expect(0, 'up', '-d');
  await until('web', async () => readFileSync(join(project.scratch, 'order'), 'utf8').includes('3'));
  assert.equal(readFileSync(join(project.scratch, 'order'), 'utf8'), '1\n2\n3\n');
  const logs = await project.logs('db');
  assert.match(logs, /^-> first own word \/usr 1234$/m);
  const [, capabilities] = /^-> CapEff:\s+([0-9a-f]+)$/m.exec(logs) ?? [];
  const inside = await project.expect(
    0,
    'exec',
    '-T',
    'db',
    'sh',
    '-c',
    'grep CapEff /proc/self/status; readlink /proc/1/ns/pid',
  );
  assert.doesNotMatch(inside, new RegExp(capabilities ?? 'none'), 'privileged has more capabilities');
  assert.match(logs, new RegExp(`-> ${inside.trim().split('\n')[1]?.replace(/[[\]]/g, '\\$&')}`));
  await project.expect(0, 'plan', '--check');
});

e2e('post_start that fails fails up with its last output, and what up made is undone', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    post_start:
      - command: [sh, -c, 'seq 1 20; echo no such table; exit 3']
`);
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(stderr, /post_start\[0\] of service\.web\[1\] .* ended with status 3\n {2}its last output:\n {4}12\n/);
  assert.match(stderr, /\n {4}no such table\n/);
  assert.deepEqual(await project.ps(), []);
  project.write('services: {web: {command: [sleep, infinity], post_start: [{command: [nothing-like-it]}]}}\n');
  assert.match((await project.tsstack(['up', '-d'])).stderr, /status 127: there is no such program/);
});

e2e('post_start runs again when the supervisor restarts a container', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'until [ -e /tmp/go ]; do sleep 0.02; done; rm /tmp/go; exit 1']
    restart: always
    post_start: [{command: [sh, -c, 'echo hook ran']}]
`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'exec', '-T', 'web', 'touch', '/tmp/go');
  await until('the hook to run again', async () => (await project.logs('web')).match(/-> hook ran/g)?.length === 2);
});

e2e('a daemon that is killed while post_start runs leaves the hook to the next one', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    volumes: ['.:/out']
    post_start: [{command: [sh, -c, 'echo try >> /out/tries; [ $$(wc -l < /out/tries) -gt 1 ] || exec sleep 3; echo done > /out/done']}]
`);
  const up = project.tsstack(['up', '-d']);
  const tries = () => readFileSync(join(project.scratch, 'tries'), 'utf8');
  await until('the hook', async () => tries().length > 0);
  await killDaemon(project);
  await up;
  assert.equal((await project.container('web')).status, 'running');
  await until('the hook to be run again', async () => existsSync(join(project.scratch, 'done')));
  assert.equal(tries(), 'try\ntry\n');
});

e2e(
  'pre_stop runs before the signal in stop, restart, replace and down; only when the container runs',
  async (project) => {
    const stack = (word: string) => `services:
  web:
    command: [sh, -c, 'trap "echo $$WORD term >> /out/order; exit 0" TERM; while :; do sleep 0.05; done']
    environment: {WORD: ${word}}
    volumes: ['.:/out']
    pre_stop: [{command: [sh, -c, 'echo $$WORD hook >> /out/order; echo bye']}]
`;
    const order = () => readFileSync(join(project.scratch, 'order'), 'utf8').trim().split('\n');
    const ready = () =>
      until('the trap', async () => {
        const { pid } = await project.container('web');
        const caught = /SigCgt:\t([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
        return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n;
      });
    project.write(stack('a'));
    await project.expect(0, 'up', '-d');
    await ready();
    await project.expect(0, 'restart');
    await ready();
    await project.expect(0, 'stop');
    assert.match(await project.logs('web'), /^-> bye$/m);
    await project.expect(0, 'stop');
    await project.expect(0, 'start');
    await ready();
    project.write(stack('b'));
    await project.expect(0, 'up', '-d');
    await ready();
    await project.expect(0, 'down');
    const expected = ['a', 'a', 'a', 'b'].flatMap((word) => [`${word} hook`, `${word} term`]);
    assert.deepEqual(order(), expected);
  },
);

e2e(
  'pre_stop that fails is an error and the container runs on; without time it is stopped all the same',
  async (project) => {
    project.write(`services:
  db: {command: [sleep, infinity]}
  web:
    command: [sleep, infinity]
    restart: always
    depends_on: [db]
    pre_stop: [{command: [sh, -c, 'echo not now; exit 9']}]
`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('web');
    for (const command of ['stop', 'down']) {
      const { status, stderr } = await project.tsstack([command]);
      assert.equal(status, 1);
      assert.match(
        stderr,
        /pre_stop\[0\] of service\.web\[1\] .* ended with status 9\n {2}its last output:\n {4}not now\n/,
      );
      assert.deepEqual(
        (await project.ps()).map((each) => each.status),
        ['running', 'running'],
      );
    }
    assert.equal((await project.container('web')).pid, pid);
    await project.expect(0, 'down', '-t', '0');
    assert.deepEqual(await project.ps(), []);
  },
);

e2e('pre_stop that hangs is killed when the grace period is over, and the container with it', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    stop_grace_period: 300ms
    pre_stop: [{command: [sleep, '1000']}]
`);
  await project.expect(0, 'up', '-d');
  const { status, stderr } = await project.tsstack(['stop']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /pre_stop\[0\] of service\.web\[1\] .* was killed: its time was over/);
  assert.equal((await project.container('web')).status, 'exited');
});

e2e('pre_stop may end the container itself, which is not started again', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'until [ -e /tmp/end ]; do sleep 0.02; done']
    restart: always
    pre_stop: [{command: [sh, -c, 'touch /tmp/end; sleep 1000']}]
`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'stop');
  const container = await project.container('web');
  assert.deepEqual([container.status, container.restarts], ['exited', 0]);
});

e2e('plan --script runs the hooks by hand, and what it made is taken down as usual', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    post_start: [{command: [sh, -c, 'echo by hand']}]
`);
  writeFileSync(join(project.scratch, 'by-hand.sh'), await project.expect(0, 'plan', '--script'));
  const made = await run(['sh', 'by-hand.sh'], { cwd: project.scratch });
  assert.equal(made.status, 0, made.stderr);
  assert.match(await project.logs('web'), /by hand/);
  assert.equal((await project.container('web')).status, 'running');
});
