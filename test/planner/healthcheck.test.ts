import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthcheckOf } from '../../src/planner/healthcheck.ts';

const TIMES = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 5000 };

test('each key is what the service says, else what the image says, else the default', () => {
  const image = { test: ['image'], intervalMs: 1, retries: 9 };
  assert.deepEqual(healthcheckOf(undefined, image), { ...TIMES, ...image });
  assert.deepEqual(healthcheckOf({ intervalMs: 2 }, image), { ...TIMES, test: ['image'], intervalMs: 2, retries: 9 });
  assert.deepEqual(healthcheckOf({ test: ['own'] }, image), { ...TIMES, test: ['own'], intervalMs: 1, retries: 9 });
});

test('without a test there is no check: NONE of the service, or nobody has one', () => {
  assert.equal(healthcheckOf({ test: [] }, { test: ['image'] }), undefined);
  assert.equal(healthcheckOf({ intervalMs: 2 }, undefined), undefined);
  assert.equal(healthcheckOf(undefined, undefined), undefined);
});
