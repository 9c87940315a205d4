import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
import type { Step } from '../../src/model/plan.ts';
import { fakeMachine } from '../helpers/fake-machine.ts';
import { containerStep, spec } from '../helpers/steps.ts';
import { walk } from './walk.ts';

test('a step that only waits keeps none of the others waiting', async () => {
  const machine = fakeMachine();
  const both = Promise.withResolvers<void>();
  let stopping = 0;
  machine.control.stop = async () => {
    stopping += 1;
    if (stopping === 2) both.resolve();
    await both.promise;
  };
  const steps = ['a', 'b'].map((name) => containerStep('stop-container', spec(name)));
  assert.equal((await walk(machine, steps, { concurrency: 1 })).error, undefined);
  assert.equal(stopping, 2);
});

test('a start that must come after one that waits says so, once', async () => {
  const machine = fakeMachine();
  const [db, api, web] = [spec('db'), spec('api'), spec('web')];
  const waits = { service: 'db', replicas: [1], condition: 'service_healthy', required: true } as const;
  const { events } = await walk(machine, [
    containerStep('start-container', db),
    { ...containerStep('start-container', api, 'start db'), waitFor: [waits, waits] } as Step,
    containerStep('start-container', web, 'start api'),
  ]);
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'step-waiting' ? [`${event.step}: ${event.for}`] : [])),
    ['start api: db to be healthy', 'start web: api to start', 'start api: db to be healthy'],
  );
});

test('a dependency that is not required and fails is a warning, and the container starts', async () => {
  const machine = fakeMachine();
  machine.control.waitFor = async () => {
    throw new TsstackError('dependency-failed', 'db is no more');
  };
  const web = spec('web');
  const step = (required: boolean) =>
    ({
      ...containerStep('start-container', web),
      waitFor: [{ service: 'db', replicas: [1], condition: 'service_healthy', required }],
    }) as Step;
  const lenient = await walk(machine, [step(false)]);
  assert.equal(lenient.error, undefined);
  assert.deepEqual(
    lenient.events.filter(({ type }) => type === 'warning'),
    [{ type: 'warning', message: 'service.web[1] is started without db: db is no more' }],
  );
  assert.match(String((await walk(machine, [step(true)])).error), /db is no more/);
});
