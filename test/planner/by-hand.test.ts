import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foreignNetworkKey, type NetworkSpec } from '../../src/model/container.ts';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { NetworkAttachment, Service, Stack } from '../../src/model/stack.ts';
import { planConnect, planDisconnect } from '../../src/planner/connect.ts';
import { planDown, planStart, planUp } from '../../src/planner/plan.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, makeAttachment, makeNetwork, makeService, makeStack, testImageKey } from '../helpers/stacks.ts';
import { network } from '../helpers/steps.ts';

const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };
const SHARED: NetworkSpec = { ...network('shared'), stack: '', name: 'shared' };
const KEY = foreignNetworkKey('shared');

/** Beside the stack there is a network of no stack, on which another stack's container has 10.9.0.2. */
const START: ObservedState = {
  ...EMPTY_STATE,
  images: { host: HOST_IMAGE },
  networks: { [KEY]: { spec: { ...SHARED, key: KEY }, owned: SHARED, drift: [] } },
  host: { ...EMPTY_STATE.host, foreignAddresses: { shared: ['10.9.0.2'] } },
};

function stackOf(changes: Readonly<Record<string, Partial<Service>>> = {}, networks = ['default', 'back']): Stack {
  const services = [
    makeService('web', { networks: { default: makeAttachment() }, ...changes['web'] }),
    makeService('db', { networks: { back: makeAttachment(), default: makeAttachment() }, ...changes['db'] }),
  ];
  return { ...makeStack(services), networks: Object.fromEntries(networks.map((key) => [key, makeNetwork(key)])) };
}

const up = (observed: ObservedState, stack = stackOf(), options = {}): Plan =>
  planUp(stack, observed, { ...OPTIONS, ...options });

function connected(
  observed: ObservedState,
  service: string,
  key: string,
  attachment: NetworkAttachment | undefined = undefined,
): ObservedState {
  const container = observed.containers[`${service}.1`];
  assert.ok(container);
  const plan = planConnect('demo', observed, { container, key, attachment });
  assert.deepEqual(plan.conflicts, []);
  return applyPlan(observed, plan);
}

function disconnected(observed: ObservedState, service: string, key: string): ObservedState {
  const container = observed.containers[`${service}.1`];
  assert.ok(container);
  return applyPlan(observed, planDisconnect('demo', observed, { container, key }));
}

const endpointsOf = (observed: ObservedState, service: string) => observed.containers[`${service}.1`]?.endpoints ?? [];
const UP = applyPlan(START, up(START));

test('what is connected by hand stays: the plan has no step for it, and says that it is there', () => {
  const observed = connected(UP, 'web', KEY, makeAttachment({ aliases: ['front'] }));
  const endpoint = endpointsOf(observed, 'web')[1];
  assert.equal(endpoint?.ipv4, '10.9.0.3/24', 'the first that nobody of any stack has');
  assert.deepEqual(
    [endpoint.containerInterface, endpoint.gateway4, endpoint.names.slice(0, 2)],
    ['eth1', undefined, ['demo-web-1', 'front']],
  );
  const { steps, changes, warnings } = up(observed);
  assert.deepEqual([steps, changes], [[], []]);
  assert.match(warnings.join(), /^demo-web-1 is on network "shared" by hand/);
});

test('the container that takes its place does not get it, and the plan says what is lost', () => {
  const observed = connected(UP, 'web', KEY);
  const plan = up(observed, stackOf({ web: { command: ['true'] } }));
  const change = plan.changes.find(({ address }) => address === 'service.web[1]');
  assert.equal(change?.cause, 'changed in the stack file; loses network "shared", which it was connected to by hand');
  assert.deepEqual(
    change?.fields.find(({ field }) => field === 'networks.shared'),
    { field: 'networks.shared', before: '10.9.0.3/24', forcesReplacement: false },
  );
  const after = applyPlan(observed, plan);
  assert.deepEqual(
    endpointsOf(after, 'web').map(({ network: key }) => key),
    ['default'],
  );
});

test('an update in place leaves it, and its interface keeps its name beside a network that is new', () => {
  const observed = connected(UP, 'web', KEY);
  const wider = stackOf({
    web: { networks: { default: makeAttachment(), back: makeAttachment() }, stopGracePeriodMs: 7 },
  });
  const after = applyPlan(observed, up(observed, wider));
  assert.deepEqual(
    endpointsOf(after, 'web').map(({ network: key, containerInterface }) => [key, containerInterface]),
    [
      ['back', 'eth2'],
      ['default', 'eth0'],
      [KEY, 'eth1'],
    ],
  );
  assert.deepEqual(up(after, wider).steps, []);
});

test('a file that comes to name the network has the say; the address stays', () => {
  const observed = connected(UP, 'web', KEY, makeAttachment({ ipv4Address: '10.9.0.50' }));
  const seen = {
    ...observed,
    networks: { ...observed.networks, ours: { spec: { ...SHARED, key: 'ours' }, owned: SHARED, drift: [] } },
  };
  const stack = stackOf({ web: { networks: { default: makeAttachment(), ours: makeAttachment({ aliases: ['a'] }) } } });
  const external = {
    ...stack,
    networks: { ...stack.networks, ours: makeNetwork('ours', { external: true, name: 'shared' }) },
  };
  const plan = up(seen, external);
  assert.deepEqual(plan.conflicts, []);
  const after = applyPlan(seen, plan);
  assert.deepEqual(
    endpointsOf(after, 'web').map(({ network: key }) => key),
    ['default', 'ours'],
  );
  const [, ours] = endpointsOf(after, 'web');
  assert.deepEqual(
    [ours?.network, ours?.ipv4, ours?.byHand, ours?.names.includes('a')],
    ['ours', '10.9.0.50/24', undefined, true],
  );
  assert.deepEqual(up(after, external).steps, []);
});

test('to be off a network of the file is drift that the next up mends', () => {
  const observed = disconnected(UP, 'db', 'back');
  assert.deepEqual(
    endpointsOf(observed, 'db').map(({ network: key }) => key),
    ['default'],
  );
  assert.notEqual(endpointsOf(observed, 'db')[0]?.gateway4, undefined, 'the default route is on the one that is left');
  const plan = up(observed);
  assert.equal(plan.changes[0]?.cause, 'drift: it was disconnected from network "demo_back" by hand');
  assert.deepEqual(
    plan.steps.map(({ type }) => type),
    ['update-container'],
  );
  const after = applyPlan(observed, plan);
  assert.deepEqual(
    endpointsOf(after, 'db').map(({ network: key }) => key),
    ['back', 'default'],
  );
  assert.deepEqual(up(after).steps, []);
});

test('the default route goes to the highest priority; without one it stays where it is', () => {
  const gateways = (observed: ObservedState) =>
    endpointsOf(observed, 'db').flatMap(({ network: key, gateway4 }) => (gateway4 === undefined ? [] : key));
  assert.deepEqual(gateways(connected(UP, 'db', KEY)), ['back']);
  const moved = connected(UP, 'db', KEY, makeAttachment({ gatewayPriority: 1 }));
  assert.deepEqual(gateways(moved), [KEY]);
  assert.deepEqual(up(moved).steps, []);
  assert.deepEqual(gateways(disconnected(moved, 'db', KEY)), ['back']);
});

test('a network of the stack that the file drops is left by who was connected to it by hand', () => {
  const observed = connected(UP, 'web', 'back');
  assert.deepEqual(up(observed).steps, []);
  const smaller = stackOf({ db: { networks: { default: makeAttachment() } } }, ['default']);
  const plan = up(observed, smaller);
  assert.match(
    plan.changes.find(({ address }) => address === 'service.web[1]')?.cause ?? '',
    /loses network "demo_back"/,
  );
  const after = applyPlan(observed, plan);
  assert.equal(after.networks['back'], undefined);
  assert.deepEqual(up(after, smaller).steps, []);
});

test('a network that containers of other stacks are on is neither removed nor replaced', () => {
  const host = { ...UP.host, foreignNetworkUsers: { demo_back: ['other.app.1'] } };
  const observed = { ...UP, host };
  const down = planDown('demo', observed, { removeVolumes: false });
  assert.deepEqual(
    down.steps.filter(({ type }) => type === 'remove-network').map(({ address }) => address),
    ['network.default'],
  );
  assert.deepEqual(down.warnings, ['Network "demo_back" is kept: containers of other stacks are on it (other.app.1).']);
  const smaller = up(observed, stackOf({ db: { networks: { default: makeAttachment() } } }, ['default']));
  assert.deepEqual(smaller.warnings, down.warnings);
  assert.ok(!smaller.steps.some(({ type }) => type === 'remove-network'));
  const stack = stackOf();
  const other = { ...stack, networks: { ...stack.networks, back: makeNetwork('back', { internal: true }) } };
  assert.match(up(observed, other).conflicts[0]?.message ?? '', /Cannot replace network "demo_back": .*other\.app\.1/);
});

test('a network of others that has lost its bridge is made again, under the key that its owner has it by', () => {
  const observed = connected(UP, 'web', KEY);
  const lost = {
    ...observed.networks[KEY],
    spec: { ...SHARED, key: KEY },
    owned: SHARED,
    drift: [{ kind: 'network' as const, message: 'bridge br-shared is missing' }],
  };
  const { steps } = up({ ...observed, networks: { ...observed.networks, [KEY]: lost } });
  assert.deepEqual(
    steps.map((step) => [step.type, step.type === 'create-network' && step.network.key]),
    [['create-network', 'shared']],
  );
});

test('start makes a network of others again, too, under the key that its owner has it by', () => {
  const observed = connected(UP, 'web', KEY);
  const drift = [{ kind: 'network' as const, message: 'bridge br-shared is missing' }];
  const networks = { ...observed.networks, [KEY]: { spec: { ...SHARED, key: KEY }, owned: SHARED, drift } };
  const web = observed.containers['web.1'];
  assert.ok(web);
  const containers = { ...observed.containers, 'web.1': { ...web, status: 'exited' as const, exitCode: 1, drift } };
  const { steps } = planStart('demo', { ...observed, networks, containers }, ['web']);
  assert.deepEqual(
    steps.map((step) => (step.type === 'create-network' ? `create ${step.network.key}` : step.type)),
    ['create shared', 'update-container', 'start-container'],
  );
});

test('planConnect() refuses what the network does not have, and what somebody has', () => {
  const container = UP.containers['web.1'];
  assert.ok(container);
  const said = (changes: Partial<NetworkAttachment>) =>
    planConnect('demo', UP, { container, key: KEY, attachment: makeAttachment(changes) })
      .conflicts.map(({ message }) => message)
      .join();
  assert.match(said({ ipv4Address: '10.9.0.2' }), /a container of another stack/);
  assert.match(said({ ipv4Address: '10.9.0.1' }), /the network itself has it/);
  assert.match(said({ ipv4Address: '10.9.0.255' }), /whole subnet/);
  assert.match(said({ ipv4Address: '10.8.0.9' }), /has subnet 10\.9\.0\.0\/24/);
  assert.match(said({ ipv6Address: 'fd00::9' }), /has no IPv6/);
  assert.equal(said({ ipv4Address: '10.9.0.200' }), '');
});

test('whatever is connected and disconnected, one up mends what the file says and leaves the rest', () => {
  const move = fc.record({
    service: fc.constantFrom('web', 'db'),
    key: fc.constantFrom('default', 'back', KEY),
    gatewayPriority: fc.integer({ min: -1, max: 2 }),
    ipv4Address: fc.constantFrom(undefined, '10.9.0.77', '10.9.0.78'),
  });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
      let observed = UP;
      for (const { service, key, gatewayPriority, ipv4Address } of moves) {
        const container = observed.containers[`${service}.1`];
        assert.ok(container);
        if (container.endpoints.some((each) => each.network === key)) observed = disconnected(observed, service, key);
        else {
          const fixed = key === KEY && ipv4Address !== undefined ? { ipv4Address } : {};
          const attachment = makeAttachment({ gatewayPriority, ...fixed });
          const plan = planConnect('demo', observed, { container, key, attachment });
          if (plan.conflicts.length === 0) observed = applyPlan(observed, plan);
        }
        const addresses = Object.values(observed.containers).flatMap(({ endpoints }) =>
          endpoints.map(({ networkName, ipv4 }) => `${networkName} ${ipv4}`),
        );
        assert.equal(new Set(addresses).size, addresses.length, addresses.join());
        for (const { endpoints } of Object.values(observed.containers)) {
          assert.ok(
            endpoints.filter(({ gateway4 }) => gateway4 !== undefined).length === Math.min(1, endpoints.length),
          );
          const names = endpoints.map(({ containerInterface }) => containerInterface);
          assert.equal(new Set(names).size, names.length, names.join());
        }
      }
      const foreign = (state: ObservedState) =>
        ['web', 'db'].map((service) => endpointsOf(state, service).find(({ network: key }) => key === KEY)?.ipv4);
      const after = applyPlan(observed, up(observed));
      assert.deepEqual(foreign(after), foreign(observed));
      assert.deepEqual(up(after).steps, []);
      assert.ok(['back', 'default'].every((key) => endpointsOf(after, 'db').some((each) => each.network === key)));
    }),
    { numRuns: 300 },
  );
});
