import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TsstackError } from '../../src/model/error.ts';
import type { WaitFor } from '../../src/model/plan.ts';
import { type ConditionState, checkCondition } from '../../src/supervisor/condition.ts';
import { record, spec } from '../helpers/steps.ts';

const CHECK = { test: ['x'], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0, startIntervalMs: 1 };
const ENDED = { state: 'ended', exitCode: 3, finishedAtMs: 1 } as const;

function state(changes: Partial<ConditionState>): ConditionState {
  return {
    record: record(spec('db', { healthcheck: CHECK })),
    life: { state: 'running' } as ConditionState['life'],
    health: 'starting',
    runs: false,
    restarting: false,
    lastProbe: undefined,
    lastLines: () => ['one', 'two'],
    ...changes,
  };
}

function check(condition: WaitFor['condition'], changes: Partial<ConditionState>): boolean | TsstackError {
  try {
    const wait = { service: 'db', replicas: [1], condition, required: true };
    return checkCondition(wait, () => state(changes), 'demo');
  } catch (error) {
    return error as TsstackError;
  }
}

test('checkCondition() goes on waiting for what will be started again', () => {
  assert.equal(check('service_healthy', { life: ENDED, restarting: true }), false);
  assert.equal(check('service_completed_successfully', { life: ENDED, restarting: true }), false);
  assert.equal(check('service_healthy', {}), false);
});

test('checkCondition() fails with what is known when it can never come true', () => {
  const ended = check('service_healthy', { life: ENDED }) as TsstackError;
  assert.equal(ended.message, 'service.db[1] ended with status 3 before it was healthy');
  assert.deepEqual(ended.details, ['last lines of db:', '  one', '  two']);
  const output = '\x1b[31mrefused\x07\n\n';
  const unhealthy = check('service_healthy', {
    health: 'unhealthy',
    lastProbe: { startedAtMs: 1, endedAtMs: 1, exitCode: 7, output },
    lastLines: () => [],
  }) as TsstackError;
  assert.equal(unhealthy.message, 'service.db[1] is unhealthy: its check ended with status 7');
  assert.deepEqual(unhealthy.details, ['last health check (ended with status 7):', '  refused']);
  const late = check('service_healthy', {
    health: 'unhealthy',
    lastProbe: { startedAtMs: 1, endedAtMs: 1, output: '' },
  });
  assert.match((late as TsstackError).message, /did not end in its time/);
  const usedUp = { ...record(spec('db')), restarts: 2 };
  const job = check('service_completed_successfully', { life: ENDED, record: usedUp }) as TsstackError;
  assert.equal(job.message, 'service.db[1] ended with status 3 after 2 restarts');
});
