import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, isGoodRun } from '../../src/supervisor/backoff.ts';

test('the first restart is at once, then delays double from 100 ms to a minute', () => {
  const delays = Array.from({ length: 13 }, (_, attempts) => backoffMs(attempts));
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
});

test('a run of ten seconds is a good one', () => {
  assert.deepEqual([isGoodRun(9999), isGoodRun(10_000)], [false, true]);
});
