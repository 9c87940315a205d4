import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';
import { watching } from '../helpers/watching.ts';

const stack = (colour: string) => `services:
  changed:
    command: [sleep, infinity]
    environment: {COLOUR: ${colour}}
  steady:
    command: [sleep, infinity]
`;

e2e(
  'watch: an edited service is replaced, the others are left alone, and Ctrl-C leaves the stack up',
  async (project) => {
    project.write(stack('red'));
    const output = await watching(project, async () => {
      const [changed, steady] = [await project.container('changed'), await project.container('steady')];
      project.write(stack('blue'));
      await until('the new process', async () => {
        const now = await project.container('changed');
        return now.status === 'running' && now.pid !== undefined && now.pid !== changed.pid;
      });
      assert.equal(await project.expect(0, 'exec', 'changed', 'sh', '-c', 'echo $COLOUR'), 'blue\n');
      assert.equal((await project.container('steady')).pid, steady.pid);
    });
    assert.match(output, /stack\.yaml changed/);
    assert.match(output, /stays up/);
    assert.deepEqual(
      (await project.ps()).map(({ status }) => status),
      ['running', 'running'],
    );
  },
);

e2e(
  'watch: a broken stack file is shown with its place and changes nothing; mended, it is applied',
  async (project) => {
    project.write(stack('red'));
    await watching(project, async ({ said }) => {
      const before = (await project.ps()).map(({ pid }) => pid);
      project.write(stack('red').replace('command', 'comand'));
      await said(/stack\.yaml:3:5: error: /);
      assert.deepEqual(
        (await project.ps()).map(({ pid }) => pid),
        before,
      );
      project.write(stack('blue'));
      await until('the new process', async () => {
        const now = await project.ps();
        const run = now.every(({ status, pid }) => status === 'running' && pid !== undefined);
        return now.length === 2 && run && now[0]?.pid !== before[0];
      });
      assert.equal((await project.container('steady')).pid, before[1]);
    });
  },
);

e2e('watch: edits that come while the one before is applied are not lost', async (project) => {
  project.write(stack('c0'));
  await watching(project, async () => {
    for (let edit = 1; edit <= 5; edit += 1) {
      project.write(stack(`c${edit}`));
      await until('some process', async () => (await project.container('changed')).status === 'running');
    }
    await until('the last edit', async () => {
      const { stdout } = await project.tsstack(['exec', 'changed', 'sh', '-c', 'echo $COLOUR']);
      return stdout === 'c5\n';
    });
  });
});

e2e('watch: develop.watch copies, removes and restarts, and leaves alone what is ignored', async (project) => {
  const sources = `${project.scratch}/src`;
  mkdirSync(`${sources}/ignored`, { recursive: true });
  writeFileSync(`${project.scratch}/settings`, 'one');
  writeFileSync(`${project.scratch}/both`, 'one');
  const rule = (action: string, path: string, more = '') => `        - {action: ${action}, path: ./${path}${more}}\n`;
  project.write(`services:
  web:
    command: [sleep, infinity]
    develop:
      watch:
${rule('sync', 'src', ', target: /app, ignore: [ignored/]')}${rule('restart', 'settings')}${rule('sync+restart', 'both', ', target: /etc/both')}`);
  await watching(project, async ({ said }) => {
    const { pid } = await project.container('web');
    const inside = async (script: string) => (await project.tsstack(['exec', 'web', 'sh', '-c', script])).stdout;
    mkdirSync(`${sources}/deep`);
    writeFileSync(`${sources}/ignored/file`, 'x');
    writeFileSync(`${sources}/deep/file`, 'new');
    await until('the copy', async () => (await inside('cat /app/deep/file')) === 'new');
    assert.equal(await inside('ls -A /app'), 'deep\n');
    rmSync(`${sources}/deep/file`);
    await until('the removal', async () => (await inside('ls /app/deep; echo end')) === 'end\n');
    assert.equal((await project.container('web')).pid, pid, 'sync restarts nothing');

    const restarted = async (before: number | undefined) =>
      await until('a restart', async () => {
        const now = await project.container('web');
        return now.status === 'running' && now.pid !== before && now.pid;
      });
    writeFileSync(`${project.scratch}/settings`, 'two');
    const second = await restarted(pid);
    assert.equal(await inside('test -e /app/settings || echo no'), 'no\n');
    writeFileSync(`${project.scratch}/both`, 'two');
    await restarted(second);
    assert.equal(await inside('cat /etc/both'), 'two', 'the copy was there before the restart and stays');
    await said(/web: synced \/etc\/both/);
  });
});

e2e('watch: the file of a config replaces the services that use it', async (project) => {
  project.write('colour=red', 'app.conf');
  project.write(`services:
  web:
    command: [sleep, infinity]
    configs: [app]
  steady:
    command: [sleep, infinity]
configs:
  app: {file: ./app.conf}
`);
  const output = await watching(project, async () => {
    const steady = await project.container('steady');
    project.write('colour=blue', 'app.conf');
    await until('the new content', async () => {
      const { stdout } = await project.tsstack(['exec', 'web', 'cat', '/app']);
      return stdout === 'colour=blue';
    });
    assert.equal((await project.container('steady')).pid, steady.pid);
  });
  assert.match(output, /app\.conf changed/);
});
