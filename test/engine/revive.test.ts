import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revive } from '../../src/engine/revive.ts';
import type { RestartPolicy } from '../../src/model/stack.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { record, spec } from '../helpers/steps.ts';
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
