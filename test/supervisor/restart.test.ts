import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartPolicy } from '../../src/model/stack.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { comesBack, restartDelayMs, shouldRestart } from '../../src/supervisor/restart.ts';
import { record as makeRecord, spec } from '../helpers/steps.ts';

function record(fields: Partial<ContainerRecord> = {}): ContainerRecord {
  return { ...makeRecord(spec('web')), ...fields };
}

const CASES: readonly [RestartPolicy, Partial<ContainerRecord>, boolean][] = [
  [{ condition: 'no' }, { exitCode: 1 }, false],
  [{ condition: 'always' }, { exitCode: 0 }, true],
  [{ condition: 'unless-stopped' }, { exitCode: 0 }, true],
  [{ condition: 'always' }, { exitCode: 143, stoppedByUser: true }, false],
  [{ condition: 'on-failure' }, { exitCode: 0 }, false],
  [{ condition: 'on-failure' }, { exitCode: 1, restarts: 100 }, true],
  [{ condition: 'on-failure', maxAttempts: 3 }, { exitCode: 1, restarts: 2 }, true],
  [{ condition: 'on-failure', maxAttempts: 3 }, { exitCode: 1, restarts: 3 }, false],
  [{ condition: 'on-failure' }, {}, true],
  [{ condition: 'no' }, { exitCode: 0, ending: { goodRun: false } }, true],
  [{ condition: 'no' }, { exitCode: 0, ending: { goodRun: false }, stoppedByUser: true }, false],
  [{ condition: 'on-failure', maxAttempts: 1 }, { restarts: 1, ending: { goodRun: true } }, false],
  [{ condition: 'always', maxAttempts: 2 }, { exitCode: 0, restarts: 2 }, false],
  [{ condition: 'always', maxAttempts: 2, windowMs: 5000 }, { exitCode: 1, restarts: 9, failedAttempts: 1 }, true],
  [{ condition: 'always', maxAttempts: 2, windowMs: 5000 }, { exitCode: 1, restarts: 9, failedAttempts: 2 }, false],
];

for (const [policy, fields, expected] of CASES) {
  const what = `${JSON.stringify(policy)} with ${JSON.stringify(fields)}`;
  test(`${what}: ${expected ? 'restart' : 'stay'}`, () => {
    assert.equal(shouldRestart(policy, record(fields)), expected);
  });
}

test('the time before a restart counts from the end, also for a daemon that comes later', () => {
  const ended = record({ attempts: 4, finishedAtMs: 10_000 });
  assert.equal(restartDelayMs({ condition: 'always' }, ended, 10_000), 800);
  assert.equal(restartDelayMs({ condition: 'always' }, ended, 10_300), 500);
  assert.equal(restartDelayMs({ condition: 'always' }, ended, 99_000), 0);
  assert.equal(restartDelayMs({ condition: 'always' }, ended, 1), 800, 'a clock that was set back makes it no longer');
});

test('a delay that was asked for is kept to, for the first restart too', () => {
  const policy: RestartPolicy = { condition: 'always', delayMs: 2000 };
  for (const attempts of [0, 9]) {
    assert.equal(restartDelayMs(policy, record({ attempts, finishedAtMs: 5 }), 5), 2000);
  }
});

const BOOT: readonly [RestartPolicy['condition'], Partial<ContainerRecord>, boolean][] = [
  ['always', {}, true],
  ['always', { stoppedByUser: true }, true],
  ['unless-stopped', {}, true],
  ['unless-stopped', { stoppedByUser: true }, false],
  ['on-failure', {}, false],
  ['no', {}, false],
  ['always', { run: 0 }, false],
];

for (const [condition, fields, expected] of BOOT) {
  test(`after a reboot ${condition} with ${JSON.stringify(fields)}: ${expected ? 'started' : 'left'}`, () => {
    assert.equal(comesBack(record({ spec: spec('web', { restart: { condition } }), ...fields })), expected);
  });
}
