import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { revive } from '../../src/engine/revive.ts';
import type { RestartPolicy } from '../../src/model/stack.ts';
import { containerPaths } from '../../src/store/paths.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { endpoint, network, record, spec } from '../helpers/steps.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

/** Records a container that ran when the machine was restarted. */
function before(
  { engine }: TestEngine,
  service: string,
  restart: RestartPolicy,
  fields: Partial<ContainerRecord> = {},
) {
  const made = spec(service, { restart, networkMode: { type: 'host' }, ...fields.spec });
  engine.machine.records.containers.put({ ...record(made, { run: 1, bootId: 'another' }), ...fields, spec: made });
  return made;
}

test('what the policy promises is launched when the boot is another one, and nothing else', async () => {
  await withEngine(async (made) => {
    before(made, 'a', { condition: 'always' }, { stoppedByUser: true });
    before(made, 'b', { condition: 'unless-stopped' });
    before(made, 'c', { condition: 'unless-stopped' }, { stoppedByUser: true });
    before(made, 'd', { condition: 'on-failure' });
    before(made, 'e', { condition: 'no' });
    before(made, 'f', { condition: 'always' }, { bootId: made.engine.machine.bootId, stoppedByUser: true });
    made.host.take();
    await revive(made.engine);
    const launched = made.host.take().flatMap((op) => (op.op === 'launch' ? [/\/(\w)\.1\//.exec(op.script)?.[1]] : []));
    assert.deepEqual(launched.sort(), ['a', 'b']);
  });
});

test('a command for the stack waits until it is done', async () => {
  await withEngine(async (made) => {
    before(made, 'a', { condition: 'always' });
    const order: string[] = [];
    made.gate = async (ops) => {
      if (ops.some(({ op }) => op === 'launch')) order.push('launch');
    };
    const revived = revive(made.engine);
    await made.engine.stacks.run('demo', async () => void order.push('command'));
    await revived;
    assert.deepEqual(order, ['launch', 'command']);
  });
});

test('a connection by hand is made again, with the network of no stack that it is to', async () => {
  await withEngine(async (made) => {
    const { records } = made.engine.machine;
    const of = { stack: '', key: 'shared', name: 'shared', subnet4: '10.9.7.0/24', gateway4: '10.9.7.1' };
    records.networks.put(network('shared', of));
    records.networks.put(network('idle', { stack: '', key: 'idle', name: 'idle' }));
    const byHand = { aliases: [], priority: 0, gatewayPriority: 0 };
    const joined = endpoint('x', 3, { network: 'name:shared', networkName: 'shared', bridge: 'br-shared', byHand });
    const { directory } = containerPaths(made.paths, spec('a').key);
    mkdirSync(directory, { recursive: true });
    const promised = spec('a', { restart: { condition: 'always' } });
    before(made, 'a', promised.restart, { endpoints: [joined], spec: promised });
    made.host.take();
    await revive(made.engine);
    const done = made.host.take();
    const links = done.flatMap((op) => (op.op === 'ip' && op.args[1] === 'add' ? [op.args.slice(0, 4).join(' ')] : []));
    assert.deepEqual(links, ['link add name br-shared', 'netns add ts-demo.a.1', 'link add name ve-x-3']);
    const described = done.flatMap((op) => (op.op === 'write-file' && op.path.includes('/networks/') ? [op.path] : []));
    assert.deepEqual(described, [`${made.paths.state}/networks/shared.json`]);
    assert.deepEqual(records.networks.get('shared')?.key, 'shared');
    assert.ok(done.some(({ op }) => op === 'launch'));
  });
});
