import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import type { Stack } from '../../src/model/stack.ts';
import { dependenciesOf } from '../../src/planner/dependencies.ts';
import { planDown, planRestart, planStart, planStop, planUp, type UpOptions } from '../../src/planner/plan.ts';
import { hostIpsOverlap } from '../../src/planner/port-claims.ts';
import { arbitraryNames, arbitraryStack, editStack } from '../helpers/arbitrary-stack.ts';
import { applyPlan, type Chooser, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, makeStack, testImageKey } from '../helpers/stacks.ts';

const OPTIONS: UpOptions = {
  services: [],
  forceRecreate: false,
  noDeps: false,
  removeOrphans: false,
  imageKey: testImageKey,
};
const START: ObservedState = { ...EMPTY_STATE, images: { host: HOST_IMAGE } };

interface UpEvent {
  readonly type: 'up';
  readonly stack: Stack;
  /** Absent: all of the stack is new. */
  readonly edited: readonly string[] | undefined;
  readonly removeOrphans: boolean;
  readonly forceRecreate: boolean;
}

/** A machine, and the stack file that was brought up last. */
interface World {
  readonly state: ObservedState;
  readonly stack: Stack;
}

/** What may happen to a machine; a stack whose plan has conflicts is passed over. */
type Event =
  | UpEvent
  | { readonly type: 'stop' | 'start' | 'restart' }
  | { readonly type: 'crash'; readonly exitCode: number; readonly which: number }
  | { readonly type: 'drift'; readonly kind: 'resources' | 'network' | 'ports' | 'rootfs'; readonly which: number };

const up = fc.record({
  type: fc.constant('up' as const),
  stack: arbitraryStack(),
  edited: fc.option(arbitraryNames(), { freq: 4, nil: undefined }),
  removeOrphans: fc.boolean(),
  forceRecreate: fc.constantFrom(false, false, false, false, false, true),
});
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: up },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('stop' as const, 'start' as const, 'restart' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('crash' as const), exitCode: fc.constantFrom(0, 1), which: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('drift' as const),
      kind: fc.constantFrom('resources' as const, 'network' as const, 'ports' as const, 'rootfs' as const),
      which: fc.nat(9),
    }),
  },
);
const history = fc.array(event, { minLength: 1, maxLength: 5 });
const order = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 });

/** A chooser that draws from a list, over and over. */
function chooser(numbers: readonly number[]): Chooser {
  let next = 0;
  return (count) => {
    next += 1;
    return (numbers[next % numbers.length] ?? 0) % count;
  };
}

/** The stack that an up is for, after what was there before. */
function stackOf(world: World, what: UpEvent): Stack {
  return what.edited === undefined ? what.stack : editStack(world.stack, what.stack, what.edited);
}

function planEvent(world: World, what: Event): Plan | undefined {
  switch (what.type) {
    case 'up':
      return planUp(stackOf(world, what), world.state, { ...OPTIONS, ...what });
    case 'stop':
      return planStop('demo', world.state, []);
    case 'start':
      return planStart('demo', world.state, []);
    case 'restart':
      return planRestart('demo', world.state, []);
    default:
      return undefined;
  }
}

function happen(world: World, what: Event, choose: Chooser): World {
  const plan = planEvent(world, what);
  if (plan !== undefined && plan.conflicts.length > 0) return world;
  if (plan !== undefined) {
    const stack = what.type === 'up' ? stackOf(world, what) : world.stack;
    return { state: applyPlan(world.state, plan, choose), stack };
  }
  const entries = Object.entries(world.state.containers);
  const [name, container] = ('which' in what && entries[what.which % entries.length]) || [];
  if (name === undefined || container === undefined) return world;
  const drift = what.type === 'drift' ? [{ kind: what.kind, message: `${what.kind} differs` }] : container.drift;
  const ended = what.type === 'crash' && container.status === 'running';
  const exit = ended ? { status: 'exited' as const, exitCode: what.exitCode } : {};
  const containers = { ...world.state.containers, [name]: { ...container, ...exit, drift } };
  return { ...world, state: { ...world.state, containers } };
}

function play(events: readonly Event[], choose: Chooser = () => 0): World {
  const start: World = { state: START, stack: makeStack([]) };
  return events.reduce((world, each) => happen(world, each, choose), start);
}

function planLast(events: readonly Event[], last: UpEvent): Plan {
  const world = play(events);
  return planUp(stackOf(world, last), world.state, { ...OPTIONS, ...last });
}

test('the plan after an up is empty, whatever happened before and in whatever order the steps were done', () => {
  fc.assert(
    fc.property(history, up, order, (events, last, numbers) => {
      const world = play(events);
      const stack = stackOf(world, last);
      const plan = planUp(stack, world.state, { ...OPTIONS, ...last });
      if (plan.conflicts.length > 0) return;
      const after = applyPlan(world.state, plan, chooser(numbers));
      const again = planUp(stack, after, { ...OPTIONS, removeOrphans: last.removeOrphans });
      assert.deepEqual(again.conflicts, []);
      assert.deepEqual(again.changes, []);
      assert.deepEqual(again.steps, []);
    }),
    { numRuns: 300 },
  );
});

test('every plan of a history can be carried out in every order that its dependencies allow', () => {
  fc.assert(
    fc.property(history, order, (events, numbers) => {
      play(events, chooser(numbers));
    }),
    { numRuns: 300 },
  );
});

test('a plan that is cut short after any step is brought to its end by the next one', () => {
  fc.assert(
    fc.property(history, up, order, fc.nat(30), (events, last, numbers, limit) => {
      const world = play(events);
      const stack = stackOf(world, last);
      const plan = planUp(stack, world.state, { ...OPTIONS, ...last });
      if (plan.conflicts.length > 0) return;
      const cut = applyPlan(world.state, plan, chooser(numbers), limit);
      const options = { ...OPTIONS, removeOrphans: last.removeOrphans };
      const rest = planUp(stack, cut, options);
      assert.deepEqual(rest.conflicts, []);
      const after = applyPlan(cut, rest, chooser(numbers));
      assert.deepEqual(planUp(stack, after, options).changes, []);
      assert.ok(Object.values(after.containers).every(({ role }) => role === undefined));
      const left = applyPlan(cut, planDown('demo', cut, { removeVolumes: true }), chooser(numbers));
      assert.deepEqual({ ...left.containers, ...left.networks }, {});
    }),
    { numRuns: 300 },
  );
});

test('a replica that is replaced start-first is there at every moment of the plan', () => {
  fc.assert(
    fc.property(history, up, order, fc.nat(30), (events, last, numbers, limit) => {
      const world = play(events);
      const plan = planUp(stackOf(world, last), world.state, { ...OPTIONS, ...last });
      const taken = plan.steps.flatMap((step) => (step.type === 'switch-container' ? [step.spec.key] : []));
      if (plan.conflicts.length > 0 || taken.length === 0) return;
      const { containers } = applyPlan(world.state, plan, chooser(numbers), limit);
      for (const { service, index } of taken) {
        const own = Object.values(containers).filter(
          ({ spec: { key } }) => key.service === service && key.index === index,
        );
        const replica = own.filter(({ role }) => role === undefined);
        assert.equal(replica.length, 1);
        assert.ok(replica[0]?.status === 'running' || replica[0]?.status === 'exited');
      }
    }),
    { numRuns: 300 },
  );
});

test('the same stack and the same state give the same plan, in whatever order their keys come', () => {
  fc.assert(
    fc.property(history, up, (events, last) => {
      const { state } = play(events);
      const shuffled = { ...state, containers: reverseKeys(state.containers), networks: reverseKeys(state.networks) };
      const stack = {
        ...last.stack,
        services: reverseKeys(last.stack.services),
        networks: reverseKeys(last.stack.networks),
      };
      assert.deepEqual(planUp(stack, shuffled, OPTIONS), planUp(last.stack, state, OPTIONS));
    }),
  );
});

function reverseKeys<Value>(record: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).reverse());
}

test('the steps are in topological order and their ids are unique', () => {
  fc.assert(
    fc.property(history, up, (events, last) => {
      const { steps } = planLast(events, last);
      const done = new Set<string>();
      for (const step of steps) {
        assert.ok(!done.has(step.id), `${step.id} is there twice`);
        for (const id of step.dependsOn) assert.ok(done.has(id), `${step.id} comes before ${id}`);
        done.add(step.id);
      }
    }),
  );
});

test('a container starts after the containers that it depends on, and stops before them', () => {
  fc.assert(
    fc.property(history, up, (events, last) => {
      checkOrder(planLast(events, last).steps, 'start-container');
      const { state } = play(events);
      checkOrder(planDown('demo', state, { removeVolumes: false }).steps, 'stop-container');
    }),
  );
});

function checkOrder(steps: readonly Step[], type: 'start-container' | 'stop-container'): void {
  const relevant = steps
    .filter((step) => step.type === 'start-container' || step.type === 'stop-container')
    .filter((step) => step.type === type);
  // Records of different times may depend on each other in a circle; what the names allow is what the stacks declare.
  for (const [position, step] of relevant.entries()) {
    const needed = new Set(dependenciesOf(step.spec).map(([service]) => service));
    const late = type === 'start-container' ? relevant.slice(position) : relevant.slice(0, position);
    const wrong = late.find(
      (other) => needed.has(other.spec.key.service) && other.spec.key.service !== step.spec.key.service,
    );
    assert.equal(wrong?.id, undefined, `out of order with ${step.id}`);
  }
}

test('no two containers have the same address or host port', () => {
  fc.assert(
    fc.property(history, (events) => {
      const { containers } = play(events).state;
      const all = Object.values(containers);
      const addresses = all.flatMap(({ endpoints }) => endpoints.map(({ network, ipv4 }) => `${network} ${ipv4}`));
      const interfaces = all.flatMap(({ endpoints }) => endpoints.map(({ hostInterface }) => hostInterface));
      assert.equal(new Set(addresses).size, addresses.length);
      assert.equal(new Set(interfaces).size, interfaces.length);
      const ports = all.flatMap((container) => container.ports);
      for (const [index, port] of ports.entries()) {
        const twin = ports.slice(index + 1).find((other) => other.hostPort === port.hostPort);
        assert.ok(twin === undefined || !hostIpsOverlap(twin.hostIp, port.hostIp), `port ${port.hostPort} twice`);
      }
    }),
  );
});

test('down leaves nothing: no container, no network, and with removeVolumes no volume', () => {
  fc.assert(
    fc.property(history, order, (events, numbers) => {
      const { state } = play(events);
      const left = applyPlan(state, planDown('demo', state, { removeVolumes: true }), chooser(numbers));
      assert.deepEqual({ ...left.containers, ...left.networks, ...left.volumes }, {});
      const kept = applyPlan(state, planDown('demo', state, { removeVolumes: false }), chooser(numbers));
      assert.deepEqual(kept.volumes, state.volumes);
    }),
  );
});

test('up never removes a volume, and never touches the containers of services that are switched off', () => {
  fc.assert(
    fc.property(history, up, (events, last) => {
      const plan = planLast(events, last);
      const off = new Set(last.edited === undefined ? last.stack.disabledServices : []);
      for (const step of plan.steps) {
        assert.notEqual(step.type, 'remove-volume');
        if ('spec' in step) assert.ok(!off.has(step.spec.key.service), step.id);
      }
    }),
  );
});

test('a container that stays or is replaced keeps its addresses, unless others were asked for', () => {
  fc.assert(
    fc.property(arbitraryStack(), (stack) => {
      const plan = planUp(stack, START, OPTIONS);
      if (plan.conflicts.length > 0) return;
      const state = applyPlan(START, plan);
      const again = planUp(stack, state, { ...OPTIONS, forceRecreate: true });
      const after = applyPlan(state, again);
      for (const [name, { endpoints, ports, spec }] of Object.entries(state.containers)) {
        // Beside its predecessor a container needs addresses of its own.
        if (stack.services[spec.key.service]?.update?.order === 'start-first') continue;
        assert.deepEqual(after.containers[name]?.endpoints, endpoints);
        assert.deepEqual(after.containers[name]?.ports, ports);
      }
    }),
  );
});

test('up of one service plans nothing for services that it does not depend on', () => {
  fc.assert(
    fc.property(history, up, (events, last) => {
      const [name] = Object.keys(last.stack.services).slice(-1);
      if (name === undefined) return;
      const closure = new Set<string>();
      const queue = [name];
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        closure.add(next);
        const service = last.stack.services[next];
        if (service !== undefined) queue.push(...dependenciesOf(service).map(([dependency]) => dependency));
      }
      const { steps } = planUp(last.stack, play(events).state, { ...OPTIONS, services: [name] });
      for (const step of steps) if ('spec' in step) assert.ok(closure.has(step.spec.key.service), step.id);
    }),
  );
});
