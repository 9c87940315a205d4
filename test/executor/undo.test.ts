import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { execute } from '../../src/executor/execute.ts';
import type { HostOp } from '../../src/host/op.ts';
import { replicaName } from '../../src/model/address.ts';
import type { Step } from '../../src/model/plan.ts';
import { type FakeMachine, fakeMachine } from '../helpers/fake-machine.ts';
import { containerStep, endpoint, network, networkStep, plan, spec } from '../helpers/steps.ts';

const SERVICES = ['a', 'b', 'c', 'd'] as const;
const QUIET = { concurrency: 4, progress: () => undefined };

interface Scenario {
  /** What becomes of each service: `replace`, `remove` and `stop` are of ones that run before. */
  readonly services: readonly {
    readonly name: string;
    readonly fate: 'create' | 'replace' | 'remove' | 'stop' | 'keep';
  }[];
  readonly makesNetwork: boolean;
  /** Pairs of services: the first step of the second waits for the last of the first. */
  readonly after: readonly (readonly [number, number])[];
  /** Which operation of the plan fails, counted in the order in which they are done. */
  readonly failsAt: number;
}

function arbitraryScenario(): fc.Arbitrary<Scenario> {
  return fc.record({
    services: fc.tuple(
      ...SERVICES.map((name) =>
        fc.record({ name: fc.constant(name), fate: fc.constantFrom('create', 'replace', 'remove', 'stop', 'keep') }),
      ),
    ),
    makesNetwork: fc.boolean(),
    after: fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(3)).filter(([first, second]) => first < second)),
    failsAt: fc.nat(60),
  });
}

/** The steps of the services that are there at first. */
function firstSteps({ services }: Scenario): readonly Step[] {
  const present = services.filter(({ fate }) => fate !== 'create');
  return [
    networkStep('create-network', network('old')),
    ...present.flatMap(({ name }) => upSteps(name, '1', ['create network old'])),
  ];
}

function upSteps(name: string, version: string, dependsOn: readonly string[]): readonly Step[] {
  const made = spec(name, { env: { VERSION: version } });
  const create = containerStep('create-container', made, ...dependsOn);
  const endpoints = [endpoint('old', SERVICES.indexOf(name as 'a') + 2)];
  return [{ ...create, endpoints } as Step, containerStep('start-container', made, `create ${name}`)];
}

function planSteps({ services, makesNetwork, after }: Scenario): readonly Step[] {
  const lists = services.map(({ name, fate }): readonly Step[] => {
    const old = spec(name, { env: { VERSION: '1' } });
    const stop = containerStep('stop-container', old);
    const endpoints = [endpoint('old', SERVICES.indexOf(name as 'a') + 2)];
    const remove = { ...containerStep('remove-container', old, `stop ${name}`), endpoints } as Step;
    if (fate === 'keep') return [];
    if (fate === 'create') return upSteps(name, '1', makesNetwork ? ['create network new'] : []);
    if (fate === 'stop') return [stop];
    return fate === 'remove' ? [stop, remove] : [stop, remove, ...upSteps(name, '2', [`remove ${name}`])];
  });
  const chained = lists.map((steps, index) => {
    const before = after.filter(([, second]) => second === index).flatMap(([first]) => lists[first]?.at(-1)?.id ?? []);
    return steps.map((step, at) => (at === 0 ? { ...step, dependsOn: [...step.dependsOn, ...before] } : step));
  });
  return [...(makesNetwork ? [networkStep('create-network', network('new'))] : []), ...chained.flat()];
}

/** What is in the kernel after these operations, and who runs. */
function kernel(operations: readonly HostOp[], asked: readonly string[]): readonly string[] {
  const there = new Set<string>();
  for (const op of operations) {
    if (op.op === 'mkdir' && op.path.startsWith('/cg/')) there.add(`cgroup ${op.path}`);
    if (op.op === 'rmdir') there.delete(`cgroup ${op.path}`);
    if (op.op !== 'ip' || op.netns !== undefined) continue;
    const [object, verb, ...rest] = op.args;
    const name = rest[0] === 'name' || rest[0] === 'dev' ? rest[1] : rest[0];
    if (verb === 'add' && object !== 'addr') there.add(`${object} ${name}`);
    if (verb === 'del') there.delete(`${object} ${name}`);
    // A veth pair goes with the namespace that one end is in.
    if (verb === 'del' && object === 'netns') {
      const service = /demo\.([a-z])\./.exec(name ?? '')?.[1] as 'a';
      there.delete(`link ve-old-${SERVICES.indexOf(service) + 2}`);
    }
  }
  for (const line of asked) {
    const [verb, name] = line.split(' ');
    if (verb === 'started') there.add(`process ${name}`);
    if (verb === 'stop' || verb === 'forget') there.delete(`process ${name}`);
  }
  return [...there].sort();
}

function look({ records, host, asked }: FakeMachine): unknown {
  return {
    containers: records.containers.all().map(({ spec: made, endpoints, ports }) => ({ made, endpoints, ports })),
    networks: records.networks.all(),
    kernel: kernel(host.performed, asked),
    directories: records.containers
      .all()
      .map(({ key }) => host.readDirectory(`/state/stacks/demo/containers/${replicaName(key)}`)),
  };
}

test('whatever fails of whatever plan, records, kernel objects and processes are as they were', async () => {
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryScenario(), async (scenario) => {
      const machine = fakeMachine();
      const signal = new AbortController().signal;
      await execute(plan(firstSteps(scenario)), machine.context, { ...QUIET, signal, onFailure: 'undo' });
      const before = look(machine);
      let count = 0;
      machine.host.gate = () => {
        count += 1;
        if (count === scenario.failsAt + 1) throw new Error('the kernel says no');
      };
      const steps = planSteps(scenario);
      const failed = await execute(plan(steps), machine.context, { ...QUIET, signal, onFailure: 'undo' }).then(
        () => false,
        () => true,
      );
      if (!failed) return;
      failures += 1;
      assert.deepEqual(look(machine), before);
    }),
    { numRuns: 150 },
  );
  assert.ok(failures > 30, `only ${failures} plans failed`);
});
