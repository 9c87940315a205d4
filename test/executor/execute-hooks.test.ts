import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
import type { Step } from '../../src/model/plan.ts';
import { fakeMachine } from '../helpers/fake-machine.ts';
import { containerStep, record, spec } from '../helpers/steps.ts';
import { walk } from './walk.ts';

const HOOK = { argv: ['x'], privileged: false, environment: {} };

function hookFailed(): Promise<never> {
  return Promise.reject(new TsstackError('hook-failed', 'the hook says no'));
}

test('a pre_stop hook that fails leaves the container running, and with it what depends on its stop', async () => {
  const machine = fakeMachine();
  machine.control.runHooks = hookFailed;
  const [web, db, other] = [spec('web', { preStop: [HOOK] }), spec('db'), spec('other')];
  machine.records.containers.put(record(web));
  const steps = [
    { ...containerStep('stop-container', web), timeoutMs: 1000 } as Step,
    containerStep('stop-container', db, 'stop web'),
    containerStep('stop-container', other),
  ];
  const { error, ids } = await walk(machine, steps, { onFailure: 'continue' });
  assert.match(String(error), /the hook says no/);
  assert.deepEqual(ids('step-done'), ['stop other']);
  assert.equal(machine.records.container(web.key)?.stoppedByUser, false);
});

test('undoing an up whose pre_stop hook failed starts nothing a second time', async () => {
  const machine = fakeMachine();
  machine.control.runHooks = hookFailed;
  const web = spec('web', { preStop: [HOOK] });
  machine.records.containers.put(record(web));
  await walk(machine, [{ ...containerStep('stop-container', web), timeoutMs: 1000 } as Step]);
  assert.deepEqual(
    machine.asked.filter((line) => /^(started|stop)/.test(line)),
    [],
  );
});

test('a container whose post_start hook fails is stopped again, whatever its pre_stop hook says', async () => {
  const machine = fakeMachine();
  machine.control.runHooks = hookFailed;
  const web = spec('web', { postStart: [HOOK], preStop: [HOOK] });
  const { error, events } = await walk(machine, [
    containerStep('create-container', web),
    containerStep('start-container', web, 'create web'),
  ]);
  assert.match(String(error), /the hook says no/);
  assert.deepEqual(
    machine.asked.filter((line) => !line.startsWith('event')),
    ['started web.1', 'postStart web.1', 'preStop web.1', 'stop web.1', 'forget web.1'],
  );
  assert.deepEqual(machine.records.containers.all(), []);
  assert.ok(events.some(({ type }) => type === 'rolling-back'));
});

test('a stop with no time runs no hooks', async () => {
  const machine = fakeMachine();
  const web = spec('web', { preStop: [HOOK] });
  machine.records.containers.put(record(web));
  await walk(machine, [{ ...containerStep('stop-container', web), timeoutMs: 0 } as Step]);
  assert.deepEqual(machine.asked, ['stop web.1', 'event stop service.web[1]']);
});
