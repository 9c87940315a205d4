import assert from 'node:assert/strict';
import { readlinkSync, rmSync } from 'node:fs';
import { e2e, Project } from '../helpers/e2e.ts';

const namespaceOf = (pid: number | undefined): string => readlinkSync(`/proc/${pid}/ns/net`);

e2e(
  'network_mode container:NAME shares the network of a container of the stack, which is made first',
  async (project) => {
    project.write(`
services:
  a-side: { command: sleep 1000, network_mode: "container:${project.name}-owner-1", stop_grace_period: 0s }
  owner: { command: sleep 1000, stop_grace_period: 0s }
  other: { command: sleep 1000, network_mode: "container:named", stop_grace_period: 0s }
  named: { command: sleep 1000, container_name: named, stop_grace_period: 0s }
`);
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    for (const [side, owner] of [
      ['a-side', 'owner'],
      ['other', 'named'],
    ] as const) {
      const [left, right] = [await project.container(side), await project.container(owner)];
      assert.equal(namespaceOf(left.pid), namespaceOf(right.pid));
      const hosts = await project.expect(0, 'exec', owner, 'cat', '/etc/hosts');
      assert.equal(await project.expect(0, 'exec', side, 'cat', '/etc/hosts'), hosts);
    }
  },
);

e2e('network_mode container:NAME shares the network of a container of another stack', async (project) => {
  const owner = new Project(`${project.name}-owner`);
  owner.write('services: { web: { command: sleep 1000, stop_grace_period: 0s } }\n');
  project.write(`
services:
  side: { command: sleep 1000, network_mode: "container:${owner.name}-web-1", stop_grace_period: 0s }
`);
  const missing = await project.tsstack(['up', '-d']);
  assert.equal(missing.status, 1);
  assert.match(
    missing.stderr + missing.stdout,
    /Cannot share the network of container "\S+-web-1": there is none of that name/,
  );
  await owner.expect(0, 'up', '-d');
  try {
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    assert.equal(namespaceOf((await project.container('side')).pid), namespaceOf((await owner.container('web')).pid));
    await project.expect(0, 'restart', '-t', '0');
    assert.equal(namespaceOf((await project.container('side')).pid), namespaceOf((await owner.container('web')).pid));
    await project.expect(0, 'down', '-t', '0');
  } finally {
    await owner.expect(0, 'down', '-t', '0');
    rmSync(owner.scratch, { recursive: true });
  }
});
