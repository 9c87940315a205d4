import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noCgroups } from '../../src/cgroup/none.ts';
import { rootlessConflicts } from '../../src/engine/rootless.ts';
import { simpleHost } from '../helpers/simple-host.ts';
import { makeService, makeStack } from '../helpers/stacks.ts';

const outside = { rootless: { outside: '/run/ts-outside', firstPort: 1024 }, listeners: async () => '' };
const cgroups = noCgroups(simpleHost(), 'none was delegated');
const port = { protocol: 'tcp', target: 80 } as const;

test('rootlessConflicts() refuses what an ordinary user cannot have, and nothing of root', () => {
  const { namespaces } = makeService('web');
  const stack = makeStack([
    makeService('low', { ports: [{ ...port, published: 80 }] }),
    makeService('high', { ports: [{ ...port, published: 1024 }, port] }),
    makeService('sctp', { ports: [{ ...port, protocol: 'sctp', published: 9000 }] }),
    makeService('pid', { namespaces: { ...namespaces, pid: 'host' } }),
    makeService('user', { namespaces: { ...namespaces, user: 'private' } }),
  ]);
  const found = rootlessConflicts({ outside, cgroups }, stack);
  assert.deepEqual(
    found.map(({ address, message }) => `${address}: ${message.replace(/:.*/, '')}`),
    [
      'service.low[1]: Cannot publish port 80/tcp',
      'service.sctp[1]: Cannot publish port 80/sctp',
      "service.pid[1]: Cannot share the machine's processes",
      'service.user[1]: Cannot have a user namespace of its own in that of a user',
    ],
  );
  assert.ok(found.every(({ hint }) => hint !== undefined));
  assert.deepEqual(rootlessConflicts({ cgroups }, stack), []);
});

test('noCgroups() names every limit that a file asks for, and not the default ones', () => {
  const said = cgroups.unsupportedResources({ memoryBytes: 1, cpus: 1, pids: 5, cpuset: '0' });
  assert.deepEqual([...said].sort(), [
    'cpus is not kept: none was delegated',
    'cpuset is not kept: none was delegated',
    'mem_limit is not kept: none was delegated',
    'pids_limit is not kept: none was delegated',
  ]);
  assert.deepEqual(cgroups.unsupportedResources({}), []);
  assert.throws(() => cgroups.freeze('tsstack/demo/web.1', true), /Cannot pause/);
});
