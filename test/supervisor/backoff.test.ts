import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../src/supervisor/backoff.ts';

test('the first restart is at once, then delays double from 100 ms to a minute', () => {
  const backoff = new Backoff();
  const delays = Array.from({ length: 13 }, () => backoff.nextDelayMs(5));
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
});

test('a run of ten seconds begins the row anew', () => {
  const backoff = new Backoff();
  for (let count = 0; count < 5; count += 1) backoff.nextDelayMs(5);
  assert.equal(backoff.nextDelayMs(10_000), 0);
  assert.equal(backoff.nextDelayMs(9999), 100);
});
