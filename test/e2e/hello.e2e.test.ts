import assert from 'node:assert/strict';
import { join } from 'node:path';
import { e2e, freePort, http } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

e2e(
  'examples/hello answers on its port, the plan after up is empty, and down leaves nothing',
  async (project) => {
    project.useExample('hello');
    const port = await freePort();
    project.env['HELLO_PORT'] = String(port);

    assert.match(await project.expect(3, 'plan', '--check'), /\+ .*service\.web/);
    await project.expect(0, 'up', '-d', '--wait');
    assert.match(await http(`http://127.0.0.1:${port}/`), /Hello from a container/);

    await project.expect(0, 'plan', '--check');
    assert.deepEqual(JSON.parse(await project.expect(0, 'plan', '--json')).changes, []);
    const { pid } = await project.container('web');
    await project.expect(0, 'up', '-d');
    assert.equal((await project.container('web')).pid, pid, 'a second up restarted the service');

    await project.expect(0, 'down');
    assert.deepEqual(await project.ps(), []);
    await assert.rejects(http(`http://127.0.0.1:${port}/`));
  },
  { needs: ['busybox', 'ip', 'nft'] },
);

e2e(
  'the script of plan --script, run by hand on a clean machine, makes the container answer',
  async (project) => {
    project.useExample('hello');
    const port = await freePort();
    project.env['HELLO_PORT'] = String(port);

    const script = await project.expect(0, 'plan', '--script');
    const byHand = await run(['sh', '-eu'], { stdin: script, env: project.env });
    assert.equal(byHand.status, 0, `${byHand.stdout}${byHand.stderr}`);
    const page = await until('the container to answer', () => http(`http://127.0.0.1:${port}/`));
    assert.match(page, /Hello from a container/);
  },
  { needs: ['busybox', 'ip', 'nft'] },
);

e2e(
  'what a script made by hand is known to a daemon that was there before, for another stack',
  async (project) => {
    project.write('services: { idle: { command: sleep infinity } }', 'other.yaml');
    const other = ['-p', `${project.name}-other`, '-f', join(project.scratch, 'other.yaml')];
    await project.expect(0, ...other, 'up', '-d');
    try {
      project.write('services: { web: { command: sleep infinity } }');
      const script = await project.expect(0, 'plan', '--script');
      const byHand = await run(['sh', '-eu'], { stdin: script });
      assert.equal(byHand.status, 0, `${byHand.stdout}${byHand.stderr}`);
      assert.equal((await project.container('web')).status, 'running');
      await project.expect(0, 'down', '--timeout', '1');
    } finally {
      await project.expect(0, ...other, 'down', '--timeout', '1');
    }
  },
  { needs: ['ip', 'nft'] },
);
