import assert from 'node:assert/strict';
import { e2e, type Project } from '../helpers/e2e.ts';

const STACK = `services:
  web:
    command: [sleep, infinity]
    deploy: {replicas: 2}
    depends_on: [db]
  db:
    command: [sleep, infinity]
  one:
    command: [sleep, infinity]
    container_name: e2e-only
    scale: 0
`;

/** `web.1`, `web.2`, … with their process ids. */
async function replicas(project: Project): Promise<Readonly<Record<string, number | undefined>>> {
  return Object.fromEntries((await project.ps()).map(({ service, index, pid }) => [`${service}.${index}`, pid]));
}

e2e(
  'scale and up --scale set the number of replicas for once; the newest go first; a plan shows it',
  async (project) => {
    project.write(STACK);
    await project.expect(0, 'up', '-d');
    const first = await replicas(project);
    assert.deepEqual(Object.keys(first), ['db.1', 'web.1', 'web.2']);

    assert.match(await project.expect(0, 'plan', '--scale', 'web=3'), /\+ service\.web\[3\]/);
    await project.expect(0, 'up', '-d', '--scale', 'web=3', '--scale', 'db=2');
    const more = await replicas(project);
    assert.deepEqual(Object.keys(more), ['db.1', 'db.2', 'web.1', 'web.2', 'web.3']);
    assert.equal(more['web.1'], first['web.1']);
    const names = await project.expect(0, 'exec', 'db', 'getent', 'ahostsv4', 'web');
    assert.equal(new Set(names.split('\n').flatMap((line) => line.split(' ')[0] || [])).size, 3, names);

    await project.expect(0, 'scale', '--no-deps', 'web=1');
    assert.deepEqual(await replicas(project), { 'db.1': more['db.1'], 'db.2': more['db.2'], 'web.1': first['web.1'] });
    await project.expect(0, 'scale', 'web=3');
    assert.deepEqual(Object.keys(await replicas(project)), ['db.1', 'web.1', 'web.2', 'web.3'], 'db as in the file');

    assert.match(await project.expect(3, 'plan', '--check'), /- service\.web\[3\] +scaled to 2/);
    await project.expect(0, 'up', '-d');
    assert.deepEqual(Object.keys(await replicas(project)), ['db.1', 'web.1', 'web.2'], 'up goes by the file');
    await project.expect(0, 'scale', 'web=0');
    assert.deepEqual(Object.keys(await replicas(project)), ['db.1']);
  },
);

e2e(
  'more than one replica of a service with a container_name is refused, with the place of the name',
  async (project) => {
    project.write(STACK);
    for (const args of [
      ['scale', 'one=2'],
      ['up', '-d', '--scale', 'one=2'],
    ]) {
      const { status, stderr } = await project.tsstack(args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /stack\.yaml:10:\d+/);
      assert.match(stderr, /container_name/);
    }
    assert.deepEqual(await project.ps(), []);
  },
);
