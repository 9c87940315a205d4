import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execIn, listContainers } from '../../src/engine/containers.ts';
import { kill } from '../../src/engine/kill.ts';
import { pause, unpause } from '../../src/engine/pause.ts';
import { makeUpPlan } from '../../src/engine/plan.ts';
import { loadStack } from '../../src/spec/load.ts';
import { cgroupName } from '../../src/store/paths.ts';
import { endContainer, runningContainer } from '../helpers/running.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

/** An engine whose machine freezes cgroups in a set; gives what is done in words: `freeze web`, `signal 9`. */
function withFreezer(body: (machine: TestEngine, done: readonly string[]) => Promise<void>): Promise<void> {
  return withEngine(async (machine) => {
    const frozen = new Set<string>();
    const done: string[] = [];
    Object.assign(machine.engine.machine.cgroups, {
      frozen: (name: string) => frozen.has(name),
      freeze: (name: string, freeze: boolean) => [
        { op: 'write-in-place', path: `/frozen/${name}`, data: freeze ? '1' : '0' },
      ],
    });
    machine.gate = async (ops) => {
      for (const op of ops) {
        if (op.op === 'kill') done.push(`signal ${op.signal}`);
        if (op.op !== 'write-in-place' || !op.path.startsWith('/frozen/')) continue;
        const name = op.path.slice('/frozen/'.length);
        done.push(`${op.data === '1' ? 'freeze' : 'thaw'} ${name}`);
        if (op.data === '1') frozen.add(name);
        else frozen.delete(name);
      }
    };
    await body(machine, done);
  });
}

const status = ({ engine }: TestEngine) => listContainers(engine, 'demo', ['web'])[0]?.observed.status;

test('pause() freezes what runs and unpause() what is paused; doing it twice does nothing', () =>
  withFreezer(async (machine, done) => {
    const name = cgroupName(runningContainer(machine, 'web').key);
    assert.deepEqual(await pause(machine.engine, 'demo', []), ['demo-web-1']);
    assert.equal(status(machine), 'paused');
    assert.deepEqual(await pause(machine.engine, 'demo', []), []);
    assert.deepEqual(await unpause(machine.engine, 'demo', ['web']), ['demo-web-1']);
    assert.equal(status(machine), 'running');
    assert.deepEqual(await unpause(machine.engine, 'demo', []), []);
    assert.deepEqual(done, [`freeze ${name}`, `thaw ${name}`]);
    const events = machine.engine.machine.records.events('demo', 0).map(({ event }) => event);
    assert.deepEqual(events, ['pause', 'unpause']);
  }));

test('exec in a paused container is an error that says how to go on', () =>
  withFreezer(async (machine) => {
    runningContainer(machine, 'web');
    await pause(machine.engine, 'demo', []);
    const exec = { service: 'web', command: ['true'], environment: {}, tty: false, privileged: false };
    await assert.rejects(execIn(machine.engine, 'demo', exec), {
      code: 'not-running',
      message: /paused/,
      hint: /tsstack unpause web/,
    });
  }));

test('what ends a paused container lets it go on first, other signals wait in it', () =>
  withFreezer(async (machine, done) => {
    const web = runningContainer(machine, 'web');
    const name = cgroupName(web.key);
    await pause(machine.engine, 'demo', []);
    await kill(machine.engine, 'demo', { services: [], signal: 'HUP' });
    assert.equal(status(machine), 'paused');
    await kill(machine.engine, 'demo', { services: [], signal: 'TERM' });
    assert.equal(status(machine), 'running');
    await pause(machine.engine, 'demo', []);
    const ended = machine.engine.supervisor.stop(web.key, 0);
    endContainer(machine, web, 137);
    await ended;
    assert.deepEqual(done, [
      `freeze ${name}`,
      'signal 1',
      'signal 15',
      `thaw ${name}`,
      `freeze ${name}`,
      `thaw ${name}`,
      'signal 9',
    ]);
  }));

test('up leaves a paused container alone, and its plan says so', () =>
  withFreezer(async (machine) => {
    const { engine, load } = machine;
    const request = {
      ...load('services:\n  web:\n    command: [sleep, infinity]\n    network_mode: none\n'),
      projectName: 'demo',
    };
    const { stack } = loadStack(request);
    const options = { load: request, forceRecreate: false, noDeps: false, removeOrphans: false };
    const made = (await makeUpPlan(engine, stack, options)).steps.find(({ type }) => type === 'create-container');
    assert.ok(made?.type === 'create-container');
    runningContainer(machine, 'web', made.spec);
    await pause(engine, 'demo', []);
    const plan = await makeUpPlan(engine, stack, options);
    assert.deepEqual(
      plan.steps.filter(({ type }) => type === 'stop-container' || type === 'start-container'),
      [],
    );
    assert.deepEqual(plan.warnings, ['demo-web-1 is paused and stays so; let it go on with: tsstack unpause web']);
  }));

test('exec goes into a replica that is not paused, where there is one', () =>
  withFreezer(async (machine) => {
    const first = runningContainer(machine, 'web');
    await pause(machine.engine, 'demo', []);
    runningContainer(machine, 'web', { key: { ...first.key, index: 2 }, name: 'demo-web-2' });
    const exec = { service: 'web', command: ['true'], environment: {}, tty: false, privileged: false };
    // What can still go wrong is that the image of the second is not there.
    const error = await execIn(machine.engine, 'demo', exec).catch((reason: unknown) => reason);
    assert.ok(!(error instanceof Error && /paused/.test(error.message)), String(error));
    await assert.rejects(execIn(machine.engine, 'demo', { ...exec, index: 1 }), { message: /demo-web-1 is paused/ });
  }));
