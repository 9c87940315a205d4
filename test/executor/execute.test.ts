import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import type { Step } from '../../src/model/plan.ts';
import { type FakeMachine, fakeMachine } from '../helpers/fake-machine.ts';
import { containerStep, endpoint, network, networkStep, record, spec } from '../helpers/steps.ts';
import { walk } from './walk.ts';

/** Fails the first operation whose description matches. */
function failAt(match: (op: HostOp) => boolean): (op: HostOp) => void {
  return (op) => {
    if (match(op)) throw new Error('the kernel says no');
  };
}

const makesCgroup = (service: string) => (op: HostOp) =>
  op.op === 'mkdir' && op.path === `/cg/tsstack/demo/${service}.1`;

function contents({ records }: FakeMachine): unknown {
  const containers = records.containers
    .all()
    .map(({ key, spec: made, endpoints, ports }) => ({ key, made, endpoints, ports }));
  return { containers, networks: records.networks.all() };
}

test('a step begins only when everything that it depends on is done', async () => {
  const machine = fakeMachine();
  const [a, b] = [spec('a'), spec('b')];
  const { ids, error } = await walk(machine, [
    containerStep('start-container', a, 'create a', 'start b'),
    containerStep('create-container', a),
    containerStep('start-container', b, 'create b'),
    containerStep('create-container', b, 'create a'),
  ]);
  assert.equal(error, undefined);
  assert.deepEqual(ids('step-done'), ['create a', 'create b', 'start b', 'start a']);
  assert.deepEqual(
    machine.records.containers.all().map(({ run, startedAtMs, bootId }) => ({ run, startedAtMs, bootId })),
    [a, b].map(() => ({ run: 1, startedAtMs: 1000, bootId: 'boot' })),
  );
});

test('steps that do not depend on each other are under way at the same time, as many as allowed', async () => {
  for (const concurrency of [3, 2]) {
    const machine = fakeMachine();
    const arrived: string[] = [];
    const all = Promise.withResolvers<void>();
    machine.host.gate = async (op) => {
      if (op.op !== 'mkdir' || !op.path.startsWith('/cg/')) return;
      arrived.push(op.path);
      if (arrived.length === concurrency) {
        // Whoever else could come has come when everything that is ready has run.
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(arrived.length, concurrency);
        all.resolve();
      }
      await all.promise;
    };
    const steps = ['a', 'b', 'c'].map((name) => containerStep('create-container', spec(name)));
    assert.equal((await walk(machine, steps, { concurrency })).error, undefined);
    assert.equal(arrived.length, 3);
  }
});

test('a failed step stops the rest and what was done is undone, last first', async () => {
  const machine = fakeMachine();
  machine.host.gate = failAt(makesCgroup('b'));
  const [a, b] = [spec('a'), spec('b')];
  const { error, events, ids } = await walk(machine, [
    networkStep('create-network', network('net')),
    containerStep('create-container', a, 'create network net'),
    containerStep('start-container', a, 'create a'),
    containerStep('create-container', b, 'start a'),
    containerStep('start-container', b, 'create b'),
  ]);
  assert.match(String(error), /the kernel says no/);
  assert.deepEqual(ids('step-failed'), ['create b']);
  assert.equal(ids('step-started').includes('start b'), false);
  assert.deepEqual(contents(machine), { containers: [], networks: [] });
  assert.deepEqual(
    machine.asked.filter((line) => /^(stop|forget)/.test(line)),
    ['forget b.1', 'stop a.1', 'forget a.1'],
  );
  assert.deepEqual(
    events.filter(({ type }) => type === 'rolling-back' || type === 'warning'),
    [{ type: 'rolling-back', steps: 4 }],
  );
  const undone = machine.host.take().filter((line) => /^(rmdir .cg|ip link del|ip netns del)/.test(line));
  assert.deepEqual(undone, [
    'ip netns del ts-demo.b.1',
    'rmdir /cg/tsstack/demo/b.1',
    'ip netns del ts-demo.a.1',
    'rmdir /cg/tsstack/demo/a.1',
    'ip link del dev br-net',
  ]);
});

test('an undo that fails is a warning, and the rest is undone all the same', async () => {
  const machine = fakeMachine();
  machine.host.gate = failAt((op) => makesCgroup('b')(op) || (op.op === 'rmdir' && op.path === '/cg/tsstack/demo/b.1'));
  const { events } = await walk(machine, [
    containerStep('create-container', spec('a')),
    containerStep('create-container', spec('b'), 'create a'),
  ]);
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  assert.deepEqual(warnings, ['Could not undo service.b[1]: the kernel says no']);
  assert.equal(machine.records.container(spec('a').key), undefined);
});

test('a step that the failure of another interrupts is no failure of its own', async () => {
  const machine = fakeMachine();
  const waiting = Promise.withResolvers<void>();
  machine.control.waitFor = (_stack, _condition, signal) => {
    waiting.resolve();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  machine.host.gate = async (op) => {
    if (!makesCgroup('b')(op)) return;
    await waiting.promise;
    throw new Error('the kernel says no');
  };
  const a = spec('a');
  const start = containerStep('start-container', a, 'create a');
  const waitFor = [{ service: 'db', replicas: [1], condition: 'service_healthy', required: true } as const];
  const { error, events, ids } = await walk(machine, [
    containerStep('create-container', a),
    { ...start, waitFor } as Step,
    containerStep('create-container', spec('b')),
  ]);
  assert.match(String(error), /the kernel says no/);
  assert.deepEqual(ids('step-failed'), ['create b']);
  assert.ok(events.some((event) => event.type === 'step-waiting' && event.for === 'db to be healthy'));
});

test('a network that was there before, and was only repaired, is not removed by the undo', async () => {
  const machine = fakeMachine();
  machine.records.networks.put(network('old'));
  machine.host.gate = failAt(makesCgroup('a'));
  await walk(machine, [
    networkStep('create-network', network('old')),
    containerStep('create-container', spec('a'), 'create network old'),
  ]);
  assert.deepEqual(machine.records.networks.all(), [network('old')]);
  assert.equal(
    machine.host.take().some((line) => line.startsWith('ip link del')),
    false,
  );
});

test('a container that was replaced comes back as it was made, and runs', async () => {
  const machine = fakeMachine();
  const [old, fresh] = [spec('a', { env: { V: '1' } }), spec('a', { env: { V: '2' } })];
  machine.records.containers.put(record(old));
  const before = contents(machine);
  machine.host.gate = (op) => {
    if (op.op === 'launch' && machine.records.container(old.key)?.spec.env['V'] === '2')
      throw new Error('no such program');
  };
  const { error } = await walk(machine, [
    containerStep('stop-container', old),
    containerStep('remove-container', old, 'stop a'),
    containerStep('create-container', fresh, 'remove a'),
    containerStep('start-container', fresh, 'create a'),
  ]);
  assert.match(String(error), /no such program/);
  assert.deepEqual(contents(machine), before);
  assert.equal(machine.asked.at(-1), 'started a.1');
});

test('with onFailure continue, the rest goes on and every error is told', async () => {
  const machine = fakeMachine();
  for (const name of ['a', 'b', 'c']) machine.records.containers.put(record(spec(name)));
  machine.host.gate = failAt((op) => op.op === 'rmdir' && /[ab]\.1$/.test(op.path));
  const steps = ['a', 'b', 'c'].map((name, index, names) =>
    containerStep('remove-container', spec(name), ...names.slice(0, index).map((earlier) => `remove ${earlier}`)),
  );
  const { error, events } = await walk(machine, steps, { onFailure: 'continue' });
  assert.ok(error instanceof AggregateError);
  assert.equal(error.errors.length, 2);
  assert.deepEqual(
    machine.records.containers.all().map(({ key }) => key.service),
    ['a', 'b'],
  );
  assert.equal(
    events.some(({ type }) => type === 'rolling-back'),
    false,
  );
});

test('with onFailure stop, nothing more is begun and nothing is undone', async () => {
  const machine = fakeMachine();
  machine.host.gate = failAt(makesCgroup('b'));
  const steps = ['a', 'b', 'c'].map((name, index, names) =>
    containerStep('create-container', spec(name), ...names.slice(0, index).map((earlier) => `create ${earlier}`)),
  );
  const { error, ids, events } = await walk(machine, steps, { onFailure: 'stop' });
  assert.match(String(error), /the kernel says no/);
  assert.deepEqual(ids('step-started'), ['create a', 'create b']);
  assert.equal(
    events.some(({ type }) => type === 'rolling-back'),
    false,
  );
});

test('the signal stops the walk and undoes it, wherever it comes', async () => {
  const steps = [
    networkStep('create-network', network('net')),
    containerStep('create-container', spec('a'), 'create network net'),
    containerStep('start-container', spec('a'), 'create a'),
  ];
  const count = fakeMachine();
  await walk(count, steps);
  const total = count.host.performed.length;
  for (let at = 0; at < total; at += 1) {
    const machine = fakeMachine();
    const controller = new AbortController();
    let seen = 0;
    machine.host.gate = () => {
      if (seen === at) controller.abort();
      seen += 1;
    };
    const { error, ids } = await walk(machine, steps, { signal: controller.signal });
    if (ids('step-done').length === steps.length) continue;
    assert.equal((error as { code?: string }).code, 'cancelled', `operation ${at}`);
    assert.deepEqual(ids('step-failed'), []);
    assert.deepEqual(contents(machine), { containers: [], networks: [] }, `operation ${at}`);
  }
});

test('a signal that comes before the walk begins does nothing at all', async () => {
  const machine = fakeMachine();
  const { error, ids } = await walk(machine, [containerStep('create-container', spec('a'))], {
    signal: AbortSignal.abort(),
  });
  assert.equal((error as { code?: string }).code, 'cancelled');
  assert.deepEqual(ids('step-started'), []);
  assert.deepEqual(machine.host.take(), []);
});

test('the last of networks that are removed at the same time puts the settings of the machine back', async () => {
  const machine = fakeMachine({ '/proc/sys/net/ipv4/ip_forward': '0\n' });
  const networks = [network('a'), network('b')];
  assert.equal(
    (
      await walk(
        machine,
        networks.map((each) => networkStep('create-network', each)),
      )
    ).error,
    undefined,
  );
  assert.equal(machine.host.readText('/proc/sys/net/ipv4/ip_forward'), '1');
  const removal = networks.map((each) => networkStep('remove-network', each));
  assert.equal((await walk(machine, removal, { onFailure: 'continue' })).error, undefined);
  assert.equal(machine.host.readText('/proc/sys/net/ipv4/ip_forward'), '0');
  assert.equal(machine.host.take().filter((line) => /delete table/.test(line)).length, 1);
});

test('hosts files of whoever shares a network are brought up to date in place, of others not', async () => {
  const machine = fakeMachine();
  const [old, far, fresh] = [spec('old'), spec('far'), spec('fresh')];
  machine.records.containers.put(record(old, { endpoints: [endpoint('net', 2)] }));
  machine.records.containers.put(
    record({ ...far, key: { ...far.key, stack: 'other' } }, { endpoints: [endpoint('far', 3)] }),
  );
  machine.host.files.set('/state/stacks/demo/containers/old.1/hosts', 'stale');
  machine.host.files.set('/state/stacks/other/containers/far.1/hosts', 'stale');
  const create = {
    ...containerStep('create-container', fresh),
    endpoints: [endpoint('net', 4, { names: ['fresh'] })],
  } as Step;
  await walk(machine, [create]);
  assert.match(machine.host.readText('/state/stacks/demo/containers/old.1/hosts') ?? '', /10\.9\.0\.4\s+fresh/);
  assert.equal(machine.host.readText('/state/stacks/other/containers/far.1/hosts'), 'stale');
});

test('hosts files of other stacks on a network lose the names of a container that goes', async () => {
  const machine = fakeMachine();
  const far = spec('far');
  const gone = record(spec('gone'), { endpoints: [endpoint('net', 2, { names: ['gone'] })] });
  machine.records.containers.put(gone);
  machine.records.containers.put(
    record({ ...far, key: { ...far.key, stack: 'other' } }, { endpoints: [endpoint('net', 3, { names: ['far'] })] }),
  );
  machine.host.files.set('/state/stacks/other/containers/far.1/hosts', '10.9.0.2 gone');
  await walk(machine, [containerStep('remove-container', gone.spec)]);
  assert.doesNotMatch(machine.host.readText('/state/stacks/other/containers/far.1/hosts') ?? '', /gone/);
});
