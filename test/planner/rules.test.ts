import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageConfig } from '../../src/model/image.ts';
import type { ObservedContainer } from '../../src/model/observed.ts';
import type { RestartPolicy, Service } from '../../src/model/stack.ts';
import { argvOf } from '../../src/planner/argv.ts';
import { expandServices } from '../../src/planner/expand.ts';
import { startCause } from '../../src/planner/lifecycle.ts';
import { planDown, planUp } from '../../src/planner/plan.ts';
import { hostIpsOverlap } from '../../src/planner/port-claims.ts';
import { renderPlan } from '../../src/planner/render.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, makeAttachment, makeNetwork, makeService, makeStack, testImageKey } from '../helpers/stacks.ts';

const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };
const START = { ...EMPTY_STATE, images: { host: HOST_IMAGE } };

test('argvOf() puts entrypoint and command together as Docker does', () => {
  const image: ImageConfig = { ...HOST_IMAGE.config, entrypoint: ['/entry'], command: ['serve'] };
  const argv = (overrides: Pick<Service, 'entrypoint' | 'command'>): readonly string[] =>
    argvOf(makeService('web', { command: null, ...overrides }), image);
  assert.deepEqual(argv({}), ['/entry', 'serve']);
  assert.deepEqual(argv({ command: ['x'] }), ['/entry', 'x']);
  assert.deepEqual(argv({ command: [] }), ['/entry']);
  assert.deepEqual(argv({ entrypoint: ['/other'] }), ['/other']);
  assert.deepEqual(argv({ entrypoint: ['/other'], command: ['x'] }), ['/other', 'x']);
  assert.deepEqual(argv({ entrypoint: [], command: ['x'] }), ['x']);
  assert.deepEqual(argv({ entrypoint: [] }), []);
});

test('expandServices() lets the service decide over its image, and the image over the defaults', () => {
  const config: ImageConfig = {
    ...HOST_IMAGE.config,
    env: { LANG: 'C', MODE: 'image' },
    workingDir: '/app',
    user: '1000',
    volumes: ['/state/', '/data'],
    labels: { a: 'image', b: 'image' },
    stopSignal: 'SIGQUIT',
  };
  const service = makeService('web', {
    environment: { MODE: 'service' },
    labels: { a: 'service' },
    user: 'nobody',
    tty: true,
    mounts: [{ type: 'tmpfs', target: '/data', readOnly: false, options: [] }],
  });
  const observed = { ...EMPTY_STATE, images: { host: { ...HOST_IMAGE, config } } };
  const findings = { conflicts: [], warnings: [] };
  const [spec] = expandServices({ stack: makeStack([service]), observed, imageKey: testImageKey, findings }, [service]);
  assert.ok(spec !== undefined);
  assert.deepEqual(spec.env, {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: spec.hostname,
    TERM: 'xterm',
    LANG: 'C',
    MODE: 'service',
  });
  assert.match(spec.hostname, /^[0-9a-f]{12}$/);
  assert.deepEqual([spec.user, spec.workingDir, spec.stopSignal], ['nobody', '/app', 'SIGQUIT']);
  assert.deepEqual([spec.labels['a'], spec.labels['b']], ['service', 'image']);
  assert.deepEqual(
    spec.mounts.map(({ type, target }) => [type, target]),
    [
      ['tmpfs', '/data'],
      ['volume', '/state'],
    ],
  );
});

test('a variable that the service unsets is not there, be it of the image or of the defaults', () => {
  const config: ImageConfig = { ...HOST_IMAGE.config, env: { LANG: 'C', MODE: 'image' } };
  const service = makeService('web', { unsetEnvironment: ['MODE', 'PATH', 'OTHER'] });
  const observed = { ...EMPTY_STATE, images: { host: { ...HOST_IMAGE, config } } };
  const findings = { conflicts: [], warnings: [] };
  const [spec] = expandServices({ stack: makeStack([service]), observed, imageKey: testImageKey, findings }, [service]);
  assert.deepEqual(Object.keys(spec?.env ?? {}).sort(), ['HOSTNAME', 'LANG']);
});

test('a healthcheck switched off by the service hides that of the image', () => {
  const healthcheck = { test: ['x'], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0, startIntervalMs: 1 };
  const observed = {
    ...EMPTY_STATE,
    images: { host: { ...HOST_IMAGE, config: { ...HOST_IMAGE.config, healthcheck } } },
  };
  const services = [makeService('on'), makeService('off', { healthcheck: { ...healthcheck, test: [] } })];
  const findings = { conflicts: [], warnings: [] };
  const specs = expandServices({ stack: makeStack(services), observed, imageKey: testImageKey, findings }, services);
  assert.deepEqual(
    specs.map((spec) => spec.healthcheck?.test),
    [['x'], undefined],
  );
});

test('startCause() starts what should run and leaves what has done its work', () => {
  const { containers } = applyPlan(START, planUp(makeStack([makeService('web')]), START, OPTIONS));
  const running = containers['web.1'];
  assert.ok(running !== undefined);
  const ended = (condition: RestartPolicy['condition'], exitCode?: number): ObservedContainer => ({
    ...running,
    spec: { ...running.spec, restart: { condition } },
    status: 'exited',
    ...(exitCode !== undefined && { exitCode }),
  });
  assert.equal(startCause(running), undefined);
  assert.equal(startCause({ ...running, status: 'restarting' }), undefined);
  assert.equal(startCause({ ...running, status: 'created' }), 'never started');
  assert.equal(startCause(ended('no', 0)), undefined);
  assert.equal(startCause(ended('on-failure', 0)), undefined);
  assert.equal(startCause(ended('always', 0)), 'exited with status 0');
  assert.equal(startCause(ended('unless-stopped', 0)), 'exited with status 0');
  assert.equal(startCause(ended('no', 3)), 'exited with status 3');
  assert.equal(startCause(ended('no')), 'not running');
  assert.equal(startCause({ ...ended('no', 0), stoppedByUser: true }), 'stopped by the user');
});

test('planDown() removes both volumes of a key whose name was changed', () => {
  const volume = { stack: 'demo', key: 'data', name: 'demo_data', driver: 'local', driverOptions: {}, labels: {} };
  const volumes = { demo_data: volume, demo_data2: { ...volume, name: 'demo_data2' } };
  const { steps } = planDown('demo', { ...START, volumes }, { removeVolumes: true });
  assert.deepEqual(
    steps.map(({ id }) => id),
    ['remove volume.demo_data', 'remove volume.demo_data2'],
  );
});

test('hostIpsOverlap() knows wildcards of both families', () => {
  assert.ok(hostIpsOverlap(undefined, '127.0.0.1'));
  assert.ok(hostIpsOverlap('::', '127.0.0.1'));
  assert.ok(hostIpsOverlap('0.0.0.0', '127.0.0.1'));
  assert.ok(hostIpsOverlap('127.0.0.1', '127.0.0.1'));
  assert.ok(!hostIpsOverlap('0.0.0.0', '::1'));
  assert.ok(!hostIpsOverlap('127.0.0.1', '127.0.0.2'));
});

test('names out of a stack file that JavaScript objects have too are names like others', () => {
  const service = makeService('constructor', {
    networks: { toString: makeAttachment() },
    environment: { valueOf: '1' },
    mounts: [{ type: 'volume', source: 'hasOwnProperty', target: '/x', readOnly: false, nocopy: false }],
  });
  const stack = makeStack([service]);
  const state = applyPlan(START, planUp(stack, START, OPTIONS));
  assert.deepEqual(planUp(stack, state, OPTIONS).steps, []);
});

test('containers keep clear of the gateway and the auxiliary addresses of their network', () => {
  const service = makeService('web', { replicas: 2, networks: { net: makeAttachment() } });
  const pool = { subnet: '10.9.0.0/24', gateway: '10.9.0.2', auxAddresses: { printer: '10.9.0.3' } };
  const stack = makeStack([service], { networks: { net: makeNetwork('net', { ipam: [pool] }) } });
  const plan = planUp(stack, START, OPTIONS);
  const endpoints = plan.steps.flatMap((step) => (step.type === 'create-container' ? step.endpoints : []));
  assert.deepEqual(
    endpoints.map(({ ipv4, gateway4 }) => `${ipv4} by ${gateway4}`),
    ['10.9.0.1/24 by 10.9.0.2', '10.9.0.4/24 by 10.9.0.2'],
  );
});

test('renderPlan() colours through the function it is given, and hides secrets also in whole objects', () => {
  const plan = planUp(makeStack([makeService('web')]), START, OPTIONS);
  const text = renderPlan(plan, { style: (style, part) => `<${style}>${part}</>` });
  assert.match(text, /<create>\+<\/> <heading>service\.web\[1\]<\/><faint> {2}not there yet<\/>/);
  const fields = [
    { field: 'env.API_TOKEN', before: 'old', after: 'new', forcesReplacement: true },
    { field: 'env', after: { PASSWORD: 'pw', PORT: '80' }, forcesReplacement: true },
  ];
  const [change] = plan.changes;
  assert.ok(change !== undefined);
  const hidden = renderPlan({ ...plan, changes: [{ ...change, action: 'update', fields }] });
  assert.ok(!/old|new|pw/.test(hidden), hidden);
});
