import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute } from '../../src/executor/execute.ts';
import { containerAddress } from '../../src/model/address.ts';
import type { ContainerSpec, PublishedPort } from '../../src/model/container.ts';
import type { Step } from '../../src/model/plan.ts';
import { type FakeMachine, fakeMachine } from '../helpers/fake-machine.ts';
import { containerStep, endpoint, plan, record, spec } from '../helpers/steps.ts';

const OLD = endpoint('net', 2, { gateway4: '10.9.0.1' });
const MORE = endpoint('side', 3);
const PORT: PublishedPort = { protocol: 'tcp', hostPort: 8080, containerPort: 80 };
const OTHER: PublishedPort = { protocol: 'tcp', hostPort: 9090, containerPort: 90 };

type Update = Extract<Step, { readonly type: 'update-container' }>;

/** `web` on one network with one published port, and the step that changes it. */
function prepare(
  changes: Partial<Update>,
  before: ContainerSpec = spec('web'),
): { machine: FakeMachine; step: Update } {
  const machine = fakeMachine({ '/state/stacks/demo/containers/web.1/resolv.conf': 'nameserver 9.9.9.9\n' });
  machine.records.containers.put(record(before, { endpoints: [OLD], ports: [PORT] }));
  const step: Update = {
    type: 'update-container',
    id: 'update web',
    address: containerAddress('web', 1),
    cause: 'test',
    dependsOn: [],
    before,
    spec: before,
    endpoints: [OLD],
    ports: [PORT],
    fields: [],
    repair: [],
    ...changes,
  };
  return { machine, step };
}

async function perform(machine: FakeMachine, ...steps: readonly Step[]): Promise<readonly string[]> {
  await execute(plan(steps), machine.context, {
    signal: new AbortController().signal,
    concurrency: 1,
    progress: () => undefined,
    onFailure: 'undo',
  });
  return machine.host.take();
}

const DESCRIPTION = 'write-file /state/stacks/demo/containers/web.1/container.json';

test('an update that changes nothing of the kernel writes the description only', async () => {
  const { machine, step } = prepare({ spec: spec('web', { restart: { condition: 'always' } }) });
  assert.deepEqual(await perform(machine, step), [DESCRIPTION]);
  assert.equal(machine.records.container(step.spec.key)?.spec.restart.condition, 'always');
  assert.deepEqual(machine.asked, ['changed web.1', 'event update service.web[1]']);
});

test('changed limits are written, and nothing else', async () => {
  const { machine, step } = prepare({ spec: spec('web', { resources: { memoryBytes: 64 } }) });
  assert.deepEqual(await perform(machine, step), ['write-in-place /cg/tsstack/demo/web.1/memory', DESCRIPTION]);
  assert.equal(machine.host.readText('/cg/tsstack/demo/web.1/memory'), '64');
});

test('a changed port takes the old one back and publishes the new one; a port that stays is not touched', async () => {
  const { machine, step } = prepare({ ports: [PORT, OTHER] });
  assert.deepEqual(await perform(machine, step), [
    'nft add element inet tsstack ports4 { tcp . 9090 : 10.9.0.2 . 90 }\nadd element inet tsstack relayed6 { tcp . 9090 }',
    DESCRIPTION,
  ]);
  const back = { ...step, ports: [OTHER] };
  const [gone, ...rest] = await perform(machine, back);
  assert.match(gone ?? '', /delete element inet tsstack ports4 \{ tcp \. 8080 : 10\.9\.0\.2 \. 80 \}$/m);
  assert.deepEqual(rest, [DESCRIPTION]);
});

test('one more network is joined and the present one left alone; left again, its link goes', async () => {
  const { machine, step } = prepare({ endpoints: [OLD, MORE] });
  const links = (lines: readonly string[]) => lines.filter((line) => /^ip link (add|del)/.test(line));
  const joined = links(await perform(machine, step));
  assert.equal(joined.length, 1);
  assert.match(joined[0] ?? '', /link add name ve-side-3 .* netns ts-demo\.web\.1/);
  assert.deepEqual(links(await perform(machine, { ...step, endpoints: [OLD] })), ['ip link del dev ve-side-3']);
});

test('names on a network are in hosts files only', async () => {
  const { machine, step } = prepare({ endpoints: [{ ...OLD, names: ['web', 'alias'] }] });
  assert.deepEqual(await perform(machine, step), [DESCRIPTION]);
});

test('name servers are changed in place, so that the mounted file changes', async () => {
  const { machine, step } = prepare({ spec: spec('web', { dns: ['1.1.1.1'] }) });
  const lines = await perform(machine, step);
  assert.deepEqual(lines, ['write-in-place /state/stacks/demo/containers/web.1/resolv.conf', DESCRIPTION]);
});

test('a repaired network is made again with every endpoint, and ports are published again', async () => {
  const { machine, step } = prepare({ repair: ['network'] });
  const lines = await perform(machine, step);
  assert.ok(lines.includes('ip netns add ts-demo.web.1'));
  assert.equal(lines.filter((line) => line.startsWith('ip link add name ve-net-2')).length, 1);
  assert.match(lines.at(-2) ?? '', /^nft add element inet tsstack ports4 \{ tcp \. 8080/);
});

test('repaired limits are written although they are as recorded', async () => {
  const { machine, step } = prepare({ repair: ['resources'] });
  const lines = await perform(machine, step);
  assert.ok(lines.includes('write-in-place /cg/tsstack/demo/web.1/memory'));
});

test('an update that failed half-way leaves nothing of itself: joined networks, ports and limits', async () => {
  const wanted = spec('web', { resources: { memoryBytes: 64 } });
  const { machine, step } = prepare({ spec: wanted, endpoints: [OLD, MORE], ports: [OTHER] });
  const before = machine.records.container(step.spec.key);
  let failed = false;
  machine.host.gate = (op) => {
    if (failed || op.op !== 'write-file') return;
    failed = true;
    throw new Error('disk full');
  };
  await assert.rejects(perform(machine, step), /disk full/);
  const lines = machine.host.take();
  const undone = lines.slice(
    lines.findIndex((line) => line.startsWith('nft add element inet tsstack ports4 { tcp . 9090')) + 1,
  );
  assert.ok(undone.includes('ip link del dev ve-side-3'), undone.join('\n'));
  assert.ok(undone.some((line) => /delete element .* tcp \. 9090/.test(line)));
  assert.ok(undone.some((line) => /^nft add element .* tcp \. 8080 .*\}$/m.test(line) && !/delete/.test(line)));
  assert.equal(machine.host.readText('/cg/tsstack/demo/web.1/memory'), 'max');
  assert.deepEqual(machine.records.container(step.spec.key), before);
});

test('an update that was done is undone when a later step fails', async () => {
  const { machine, step } = prepare({ endpoints: [OLD, MORE] });
  machine.host.gate = (op) => {
    if (op.op === 'mkdir' && op.path === '/cg/tsstack/demo/b.1') throw new Error('no');
  };
  await assert.rejects(perform(machine, step, containerStep('create-container', spec('b'), 'update web')), /no/);
  assert.ok(machine.host.take().includes('ip link del dev ve-side-3'));
  assert.deepEqual(machine.records.container(step.spec.key)?.endpoints, [OLD]);
});

test('a default route moves between links that stay', async () => {
  const side = endpoint('side', 3);
  const before = [OLD, side];
  const { machine, step } = prepare({ endpoints: [endpoint('net', 2), { ...side, gateway4: '10.9.0.9' }] });
  machine.records.updateContainer(step.spec.key, { endpoints: before });
  const moved = (await perform(machine, step)).filter((line) => line.startsWith('ip '));
  assert.deepEqual(moved, [
    'ip -n ts-demo.web.1 route del default via 10.9.0.1 dev eth-net',
    'ip -n ts-demo.web.1 route replace default via 10.9.0.9 dev eth-side',
  ]);
});

test('the default route goes to a link that comes, and back when that leaves', async () => {
  const far = endpoint('side', 3, { gateway4: '10.9.0.9' });
  const { machine, step } = prepare({ endpoints: [endpoint('net', 2), far] });
  const joined = (await perform(machine, step)).filter((line) => line.includes('default'));
  assert.deepEqual(joined, [
    'ip -n ts-demo.web.1 route replace default via 10.9.0.9 dev eth-side',
    'ip -n ts-demo.web.1 route del default via 10.9.0.1 dev eth-net',
  ]);
  const left = (await perform(machine, { ...step, endpoints: [OLD] })).filter((line) => line.startsWith('ip '));
  assert.deepEqual(left, [
    'ip link del dev ve-side-3',
    'ip -n ts-demo.web.1 route replace default via 10.9.0.1 dev eth-net',
  ]);
});
