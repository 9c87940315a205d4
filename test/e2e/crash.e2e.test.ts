import assert from 'node:assert/strict';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, freePort, http, SHARED } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

e2e(
  'without its daemon a stack lives on, keeps exit statuses, and the next command goes on from there',
  async (project) => {
    const port = await freePort();
    project.write(`services:
  web:
    command: [busybox, httpd, -f, -p, '80', -h, /]
    ports: ['127.0.0.1:${port}:80']
  job:
    command: [sh, -c, 'until [ -e /shared/go ]; do sleep 0.05; done; echo gone; exit 5']
    volumes: ['./:/shared']
`);
    await project.expect(0, 'up', '-d');
    const before = await project.container('web');

    await killDaemon(project);
    await until('the published port to answer', () => http(`http://127.0.0.1:${port}/etc/hostname`));
    project.write('', 'go');

    const job = await project.exited('job');
    assert.equal(job.exitCode, 5);
    assert.match(await project.logs('job'), /gone/);
    assert.equal((await project.container('web')).pid, before.pid, 're-adopted, not restarted');
    await project.expect(0, 'exec', 'web', 'true');
  },
);

e2e('two up at the same time are done one after the other and make one container', async (project) => {
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  const both = await Promise.all([project.tsstack(['up', '-d']), project.tsstack(['up', '-d'])]);
  for (const each of both) assert.equal(each.status, 0, each.stderr);
  assert.equal((await project.ps()).length, 1);
  await project.expect(0, 'plan', '--check');
});

const MATRIX = join(SHARED, 'security/crash-matrix.sh');
const DAEMON_PID =
  'curl -s --unix-socket /run/tsstack/daemon.sock http://daemon/v1/version | sed \'s/.*"pid": *\\([0-9]*\\).*/\\1/\'';

const MOMENTS = [
  { claim: 'an up that is killed at any moment is repaired by the next one', mode: 'time', rounds: 20 },
  { claim: 'a daemon that is killed at any moment is replaced by the next command', mode: 'daemon', rounds: 5 },
];

for (const { claim, mode, rounds } of MOMENTS) {
  e2e(
    `${claim}, and down leaves nothing: ${rounds} moments`,
    async (project) => {
      project.write('services:\n  web:\n    command: [sleep, infinity]\n    stop_grace_period: 1s\n');
      const matrix = await run([MATRIX, mode, String(rounds)], {
        cwd: project.directory,
        env: {
          TSS: TSSTACK,
          STACK: join(project.directory, 'stack.yaml'),
          COMPOSE_PROJECT_NAME: project.name,
          DAEMON_PID,
        },
        timeoutMs: 280_000,
      });
      assert.match(
        matrix.stdout,
        new RegExp(`rounds=${rounds} converged=${rounds} clean=${rounds}$`, 'm'),
        matrix.stdout + matrix.stderr,
      );
      assert.equal(matrix.status, 0);
    },
    { needs: [MATRIX, 'curl'] },
  );
}
