import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Stack } from '../../src/model/stack.ts';
import { type OneOffOptions, withOneOff } from '../../src/planner/one-off.ts';
import { planDown, planRemove, planStop, planUp } from '../../src/planner/plan.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, makeAttachment, makeNetwork, makeService, makeStack, testImageKey } from '../helpers/stacks.ts';

const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };
const START: ObservedState = { ...EMPTY_STATE, images: { host: HOST_IMAGE } };

const DB = makeService('db', { networks: { back: makeAttachment() } });
const WEB = makeService('web', {
  command: ['serve'],
  entrypoint: ['/entry'],
  restart: { condition: 'always' },
  dependsOn: { db: { condition: 'service_started', required: true, restart: false } },
  networks: { back: makeAttachment({ aliases: ['www'], ipv4Address: '10.9.0.9', macAddress: '02:00:00:00:00:09' }) },
  ports: [{ protocol: 'tcp', target: 80, published: 8080, publishedEnd: 8080 }],
  mounts: [{ type: 'volume', target: '/scratch', readOnly: false, nocopy: false }],
  containerName: 'the-web',
});
const STACK = makeStack([DB, WEB], {
  networks: { back: makeNetwork('back', { ipam: [{ subnet: '10.9.0.0/24', auxAddresses: {} }] }) },
});

const RUN: OneOffOptions = {
  service: 'web',
  slug: '0123456789ab',
  remove: true,
  command: [],
  environment: {},
  labels: {},
  tty: false,
  stdinOpen: true,
  servicePorts: false,
  ports: [],
  mounts: [],
  noDeps: false,
  useAliases: false,
  capAdd: [],
  capDrop: [],
};
const NAME = 'web-run-0123456789ab';

function oneOffStack(changes: Partial<OneOffOptions> = {}): Stack {
  const stack = withOneOff(STACK, { ...RUN, ...changes });
  assert.ok(stack !== undefined);
  return stack;
}

function specOf(changes: Partial<OneOffOptions>) {
  const plan = planUp(oneOffStack(changes), START, { ...OPTIONS, services: [NAME] });
  assert.deepEqual(plan.conflicts, []);
  const step = plan.steps.find((each) => each.type === 'create-container' && each.spec.oneOff !== undefined);
  assert.ok(step?.type === 'create-container');
  return step;
}

test('a one-off is planned as one service more: after its dependencies, without its service', () => {
  const plan = planUp(oneOffStack(), START, { ...OPTIONS, services: [NAME] });
  assert.deepEqual(
    plan.steps.map(({ id }) => id).filter((id) => id.includes('service.')),
    ['create service.db[1]', `create service.${NAME}[1]`, 'start service.db[1]', `start service.${NAME}[1]`],
  );
  assert.doesNotMatch(
    JSON.stringify(planUp(oneOffStack({ noDeps: true }), START, { ...OPTIONS, services: [NAME] }).steps),
    /service\.db/,
  );
});

test('a one-off has nothing that belongs to the replicas: name, aliases, addresses, ports, restarts', () => {
  const { spec, endpoints, ports } = specOf({});
  assert.equal(spec.name, `demo-${NAME}`);
  assert.deepEqual(spec.argv, ['/entry', 'serve']);
  assert.deepEqual([spec.restart, ports], [{ condition: 'no' }, []]);
  assert.deepEqual(spec.oneOff, { service: 'web', remove: true });
  assert.equal(spec.labels['com.docker.compose.service'], 'web');
  assert.equal(spec.labels['com.docker.compose.oneoff'], 'True');
  const [endpoint] = endpoints;
  assert.ok(!endpoint?.names.includes('web') && !endpoint?.names.includes('www'));
  assert.notEqual(endpoint?.ipv4, '10.9.0.9/24');
  assert.equal(endpoint?.macAddress, undefined);
  assert.deepEqual(specOf({ useAliases: true }).endpoints[0]?.names.includes('www'), true);
  assert.deepEqual(
    specOf({ servicePorts: true }).ports.map(({ hostPort }) => hostPort),
    [8080],
  );
});

test('an entrypoint of run leaves out the command of the service; a command only replaces that', () => {
  assert.deepEqual(specOf({ command: ['job'] }).spec.argv, ['/entry', 'job']);
  assert.deepEqual(specOf({ entrypoint: ['sh', '-c'] }).spec.argv, ['sh', '-c']);
  assert.deepEqual(specOf({ entrypoint: ['sh', '-c'], command: ['true'] }).spec.argv, ['sh', '-c', 'true']);
});

test('a one-off that is there is no orphan, no drift and no replica; what is not named leaves it alone, down takes it', () => {
  const up = applyPlan(START, planUp(STACK, START, OPTIONS));
  const both = applyPlan(up, planUp(oneOffStack(), up, { ...OPTIONS, services: [NAME] }));
  const again = planUp(STACK, both, OPTIONS);
  assert.deepEqual([again.steps, again.orphans, again.warnings], [[], [], []]);
  const ids = (plan: { readonly steps: readonly { readonly id: string }[] }) => plan.steps.map(({ id }) => id);
  assert.doesNotMatch(ids(planUp(STACK, both, { ...OPTIONS, removeOrphans: true })).join(), /run-/);
  assert.doesNotMatch(ids(planStop('demo', both, [])).join(), /run-/);
  assert.deepEqual(ids(planStop('demo', both, [`demo-${NAME}`])), [`stop service.${NAME}[1]`]);
  assert.ok(ids(planDown('demo', both, { removeVolumes: false })).includes(`remove service.${NAME}[1]`));
});

test('rm -v of a one-off takes its anonymous volume and no other', () => {
  const up = applyPlan(START, planUp(STACK, START, OPTIONS));
  const both = applyPlan(up, planUp(oneOffStack(), up, { ...OPTIONS, services: [NAME] }));
  const plan = planRemove('demo', both, { services: [NAME], stop: true, removeVolumes: true });
  const volumes = plan.steps.flatMap((step) => (step.type === 'remove-volume' ? [step.volume.name] : []));
  assert.equal(volumes.length, 1);
  assert.match(volumes[0] ?? '', new RegExp(`^demo_${NAME}_1_`));
});
