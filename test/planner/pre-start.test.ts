import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { PreStartHook, Stack } from '../../src/model/stack.ts';
import { planDown, planStart, planStop, planUp } from '../../src/planner/plan.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, makeAttachment, makeNetwork, makeService, makeStack, testImageKey } from '../helpers/stacks.ts';

const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };
const START: ObservedState = { ...EMPTY_STATE, images: { host: HOST_IMAGE } };

const HOOK: PreStartHook = { command: ['true'], privileged: false, environment: {}, perReplica: false };

const WEB = makeService('web', {
  command: ['serve'],
  replicas: 2,
  user: '7',
  workingDir: '/srv',
  environment: { WORD: 'own', OTHER: 'other' },
  networks: { back: makeAttachment() },
  ports: [{ protocol: 'tcp', target: 80 }],
  restart: { condition: 'always' },
  mounts: [{ type: 'volume', target: '/scratch', readOnly: false, nocopy: false }],
  files: [{ kind: 'config', source: 'c', target: '/c', uid: 0, gid: 0, mode: 0o444 }],
  readOnly: true,
  resources: { memoryBytes: 1 << 20 },
});

function stackOf(hooks: readonly PreStartHook[], changes: Parameters<typeof makeService>[1] = {}): Stack {
  const web = { ...WEB, ...changes, preStart: hooks };
  return makeStack([web], { networks: { back: makeNetwork('back') } });
}

function specsOf({ steps }: Plan): readonly ContainerSpec[] {
  return steps.flatMap((step) =>
    step.type === 'create-container' && step.spec.oneOff?.preStart !== undefined ? [step.spec] : [],
  );
}

const BOTH = stackOf([HOOK, { ...HOOK, perReplica: true }]);

function preStarts({ containers }: ObservedState): number {
  return Object.values(containers).filter(({ spec }) => spec.oneOff?.preStart !== undefined).length;
}

test('what an up that was cut short at any step has left is taken away, and everything is run again', () => {
  const first = planUp(BOTH, START, OPTIONS);
  assert.equal(specsOf(first).length, 3);
  let leftovers = 0;
  for (let done = 0; done <= first.steps.length; done += 1) {
    const cut = applyPlan(START, first, () => 0, done);
    leftovers += preStarts(cut);
    const again = planUp(BOTH, cut, OPTIONS);
    const after = applyPlan(cut, again);
    assert.equal(preStarts(after), 0);
    assert.deepEqual(planUp(BOTH, after, OPTIONS).steps, []);
    const started = Object.values(cut.containers).some(({ spec, status }) => !spec.oneOff && status === 'running');
    if (!started && done < first.steps.length) assert.equal(specsOf(again).length, 3, `after ${done} steps`);
    assert.deepEqual(applyPlan(cut, planDown('demo', cut, { removeVolumes: true })).containers, {});
    const web = planDown('demo', cut, { removeVolumes: true, services: ['web'] });
    if (web.conflicts.length === 0) assert.deepEqual(applyPlan(cut, web).containers, {});
  }
  assert.ok(leftovers > 0);
});

test('start and restart of what was never started run it first, from what was recorded', () => {
  const made = applyPlan(START, planUp(BOTH, START, { ...OPTIONS, noStart: true }));
  assert.equal(preStarts(made), 0);
  const start = planStart('demo', made, []);
  assert.equal(specsOf(start).length, 3);
  const cut = applyPlan(made, start, () => 0, 2);
  assert.equal(preStarts(cut), 1);
  const after = applyPlan(cut, planStart('demo', cut, ['web']));
  assert.equal(preStarts(after), 0);
  const stopped = applyPlan(after, planStop('demo', after, []));
  assert.equal(specsOf(planStart('demo', stopped, [])).length, 0);
});

test('its container has the mounts, files, names and network of the replica, and nothing else of it', () => {
  const hook = { ...HOOK, environment: { WORD: 'hook' }, privileged: true };
  const files = { contentHash: () => 'sha256:x' };
  const plan = planUp(stackOf([hook]), START, { ...OPTIONS, ...files });
  const [spec] = specsOf(plan);
  const replica = plan.steps.find((step) => step.id === 'create service.web[1]');
  assert.ok(spec !== undefined && replica?.type === 'create-container');
  assert.deepEqual(spec.mounts, replica.spec.mounts);
  assert.equal(spec.mounts.length, 1);
  assert.deepEqual(spec.files, replica.spec.files);
  assert.deepEqual(spec.networkMode, { type: 'service', service: 'web' });
  assert.deepEqual([spec.user, spec.workingDir, spec.env['WORD'], spec.env['OTHER']], ['7', '/srv', 'hook', 'other']);
  assert.deepEqual([spec.ports, spec.networks, spec.restart, spec.dependsOn], [[], {}, { condition: 'no' }, {}]);
  assert.deepEqual([spec.readOnly, spec.resources, spec.security.privileged], [false, {}, true]);
  assert.deepEqual([spec.argv, spec.oneOff?.remove], [['true'], true]);
});

test('with an image of its own the rest is that image, and the environment of the service over it', () => {
  const source = { type: 'oci', path: '/migrate' } as const;
  const own = { entrypoint: ['/entry'], command: ['all'], env: { PATH: '/own', WORD: 'image' }, user: 'migrator' };
  const image = { ...HOST_IMAGE, id: 'sha256:m', unpacked: false, config: { ...HOST_IMAGE.config, ...own } };
  const images = { host: HOST_IMAGE, [testImageKey(source)]: image };
  const plan = planUp(stackOf([{ ...HOOK, source, command: null }]), { ...START, images }, OPTIONS);
  assert.deepEqual(plan.conflicts, []);
  const [spec] = specsOf(plan);
  assert.deepEqual(spec?.argv, ['/entry', 'all']);
  assert.deepEqual([spec?.env['PATH'], spec?.env['WORD'], spec?.user], ['/own', 'own', 'migrator']);
  assert.equal(spec?.env['HOSTNAME'], spec?.hostname);
  assert.ok(plan.steps.some(({ type }) => type === 'unpack-image'));
});

test('nothing to run, and an image that is not there, are conflicts', () => {
  const plan = planUp(stackOf([{ ...HOOK, command: null }]), START, OPTIONS);
  assert.match(plan.conflicts[0]?.message ?? '', /pre_start\[0\] of service "web": neither it nor its image/);
});
