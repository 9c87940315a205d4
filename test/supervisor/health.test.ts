import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { HealthStatus } from '../../src/model/observed.ts';
import type { Healthcheck } from '../../src/model/stack.ts';
import { HealthMonitor } from '../../src/supervisor/health.ts';

const CHECK: Healthcheck = {
  test: ['true'],
  intervalMs: 50,
  timeoutMs: 50,
  retries: 2,
  startPeriodMs: 0,
  startIntervalMs: 50,
};

let monitor: HealthMonitor | undefined;
beforeEach(() => mock.reset());
afterEach(() => monitor?.stop());

/** Statuses as they change, with exit codes given by `answer` for the n-th probe. */
function watch(
  check: Healthcheck,
  answer: (probe: number) => number,
): { next: () => Promise<HealthStatus>; probes: () => number } {
  let probes = 0;
  const waiting: ((status: HealthStatus) => void)[] = [];
  monitor = new HealthMonitor(
    check,
    async () => {
      probes += 1;
      return { exitCode: answer(probes), output: `probe ${probes}` };
    },
    (status) => waiting.shift()?.(status),
  );
  return { next: () => new Promise((resolve) => waiting.push(resolve)), probes: () => probes };
}

test('one success makes it healthy, without waiting for an interval', async () => {
  const { next, probes } = watch({ ...CHECK, intervalMs: 60_000 }, () => 0);
  assert.equal(await next(), 'healthy');
  assert.equal(probes(), 1);
});

test('retries failures in a row make it unhealthy, one success healthy again', async () => {
  const { next } = watch(CHECK, (probe) => (probe === 1 || probe > 3 ? 0 : 1));
  assert.equal(await next(), 'healthy');
  assert.equal(await next(), 'unhealthy');
  assert.equal(await next(), 'healthy');
});

test('failures inside the start period do not count', async () => {
  const { next } = watch({ ...CHECK, retries: 1, startPeriodMs: 60_000 }, (probe) => (probe < 4 ? 1 : 0));
  assert.equal(await next(), 'healthy');
});

test('a probe that throws counts as failed and keeps its reason', async () => {
  const { next } = watch({ ...CHECK, retries: 1 }, () => {
    throw new Error('no such program');
  });
  assert.equal(await next(), 'unhealthy');
  assert.match(monitor?.results.at(-1)?.output ?? '', /no such program/);
});

test('the last five results are kept', async () => {
  const { next } = watch({ ...CHECK, retries: 7, intervalMs: 1 }, () => 1);
  assert.equal(await next(), 'unhealthy');
  assert.equal(monitor?.results.length, 5);
});

test('a container that cannot be asked keeps its health', async () => {
  const asked = Promise.withResolvers<void>();
  let probes = 0;
  const seen: HealthStatus[] = [];
  monitor = new HealthMonitor(
    { ...CHECK, intervalMs: 1, retries: 1 },
    async () => {
      probes += 1;
      if (probes === 6) asked.resolve();
      return probes === 1 ? { exitCode: 0, output: 'well' } : undefined;
    },
    (status) => seen.push(status),
  );
  await asked.promise;
  assert.deepEqual([monitor.status, seen], ['healthy', ['healthy']]);
  assert.equal(monitor.results.length, 1);
});
