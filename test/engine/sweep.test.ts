import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweep } from '../../src/engine/sweep.ts';
import { fakeMachine } from '../helpers/fake-machine.ts';
import { network, record, spec } from '../helpers/steps.ts';

const LEFT = {
  '/run/netns/ts-demo.web.1': '',
  '/run/netns/ts-demo2.web.1': '',
  '/run/netns/ts-other.demo.1': '',
  '/run/netns/demo.web.1': '',
  '/run/netns/mine': '',
  '/cg/tsstack/demo/db.2/cgroup.procs': '',
  '/cg/tsstack/demo/cgroup.procs': '',
  '/cg/tsstack/other/web.1/cgroup.procs': '',
  '/state/stacks/demo/networks/net.json': '{}',
};

test('sweep() removes what bears the name of the stack and is in no record, and nothing else', async () => {
  const { host, context } = fakeMachine(LEFT);
  await sweep(context, 'demo');
  assert.deepEqual(host.take(), [
    'ip netns del ts-demo.web.1',
    'rmdir /cg/tsstack/demo/db.2',
    'remove /state/stacks/demo',
    'rmdir /state/stacks',
  ]);
});

test('sweep() waits until nobody is in a cgroup, killing who is, but not one who took a pid over', async () => {
  const stat = (pid: number): string => `${pid} (x) S 1${' 0'.repeat(17)} 42 0\n`;
  const { host, context } = fakeMachine({ ...LEFT, '/proc/71/stat': stat(71) });
  const asked = [[71, 72], [71], []];
  await sweep({ ...context, cgroups: { ...context.cgroups, processes: () => asked.shift() ?? [] } }, 'demo');
  const killed = host.performed.filter(({ op }) => op === 'kill');
  assert.deepEqual(
    killed,
    [1, 2].map(() => ({ op: 'kill', pid: 71, startTime: '42', signal: 9 })),
  );
  assert.ok(host.take().includes('rmdir /cg/tsstack/demo/db.2'));
});

test('sweep() leaves a stack alone that still has a container', async () => {
  const { host, context, records } = fakeMachine(LEFT);
  records.containers.put(record(spec('web')));
  await sweep(context, 'demo');
  assert.deepEqual(host.take(), []);
});

test('sweep() leaves a network alone that containers of other stacks are on, and what describes it', async () => {
  const { host, context, records } = fakeMachine({
    ...LEFT,
    '/sys/class/net/br-net/ifalias': 'tsstack demo network.net\n',
    '/sys/class/net/br-old/ifalias': 'tsstack demo network.old\n',
  });
  records.networks.put(network('net'));
  await sweep(context, 'demo');
  const done = host.take();
  assert.ok(done.includes('ip link del dev br-old'), done.join('\n'));
  assert.ok(!done.some((line) => line.includes('br-net')), done.join('\n'));
  assert.deepEqual(
    done.filter((line) => line.startsWith('remove ')),
    ['remove /state/stacks/demo/containers'],
  );
});
