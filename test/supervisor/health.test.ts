import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { HealthState, HealthStatus } from '../../src/model/health.ts';
import { HealthMonitor, type MonitorOptions } from '../../src/supervisor/health.ts';
import { FakeClock } from '../helpers/fake-clock.ts';

const CHECK: MonitorOptions['check'] = {
  intervalMs: 30_000,
  timeoutMs: 5000,
  retries: 3,
  startPeriodMs: 0,
  startIntervalMs: 5000,
};

const monitors: HealthMonitor[] = [];
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stop();
});

interface Watch {
  readonly monitor: HealthMonitor;
  readonly clock: FakeClock;
  /** When each probe began. */
  readonly probes: number[];
  /** `1000 healthy`. */
  readonly changes: string[];
  readonly kept: HealthState[];
}

/** A monitor on a clock of its own; `answer` gives the exit code of a probe that begins at that time, and how long it takes. */
function watch(
  check: Partial<MonitorOptions['check']>,
  answer: (nowMs: number) => number | undefined | { exitCode: number; tookMs: number },
  options: Partial<MonitorOptions> = {},
): Watch {
  const clock = new FakeClock();
  const probes: number[] = [];
  const changes: string[] = [];
  const kept: HealthState[] = [];
  const monitor = new HealthMonitor({
    check: { ...CHECK, ...check },
    clock,
    probe: async (signal) => {
      probes.push(clock.now());
      const given = answer(clock.now());
      if (given === undefined) return undefined;
      const { exitCode, tookMs } = typeof given === 'number' ? { exitCode: given, tookMs: 0 } : given;
      if (tookMs > 0) await clock.sleep(tookMs, signal);
      return { exitCode, output: `at ${clock.now()}` };
    },
    changed: (status: HealthStatus) => changes.push(`${clock.now()} ${status}`),
    keep: (state) => kept.push(state),
    ...options,
  });
  monitors.push(monitor);
  return { monitor, clock, probes, changes, kept };
}

test('while it starts it is asked soon and ever more seldom, once it is healthy every interval', async () => {
  const { clock, probes, changes } = watch({}, (now) => (now < 400 ? 1 : 0));
  await clock.advance(100_000);
  const started = probes.filter((at) => at < 30_000);
  assert.deepEqual(started.slice(0, 4), [0, 10, 20, 30]);
  assert.ok(started.length < 40, `${started.length} probes`);
  const ready = Number(changes[0]?.split(' ')[0]);
  assert.ok(ready >= 400 && ready <= 450, `seen at ${ready}`);
  assert.deepEqual(
    probes.filter((at) => at >= ready),
    [0, 1, 2, 3].map((count) => ready + count * 30_000),
  );
});

test('failures count once an interval while it starts: unhealthy when Docker would say so', async () => {
  const { clock, changes } = watch({ intervalMs: 1000, retries: 3 }, () => 1);
  await clock.advance(10_000);
  assert.deepEqual(changes, ['3000 unhealthy']);
});

test('failures inside the start period do not count, by when the probe began', async () => {
  const { clock, changes } = watch({ intervalMs: 1000, retries: 1, startPeriodMs: 5000 }, () => 1);
  await clock.advance(20_000);
  assert.deepEqual(changes, ['5000 unhealthy']);
  const slow = watch({ intervalMs: 1000, retries: 1, startPeriodMs: 5000 }, (now) => ({
    exitCode: 1,
    tookMs: now < 4000 ? 0 : 3000,
  }));
  await slow.clock.advance(20_000);
  const begun = slow.probes.findLast((at) => at < 5000) ?? 0;
  assert.ok(Number(slow.changes[0]?.split(' ')[0]) > begun + 3000, 'the one that only ended after it does not count');
});

test('a start interval below our own is kept to', async () => {
  const { clock, probes } = watch({ startPeriodMs: 10_000, startIntervalMs: 100 }, () => 1);
  await clock.advance(5000);
  const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0));
  assert.equal(Math.max(...gaps), 100);
});

test('a probe that takes long is neither repeated at once nor overlapped', async () => {
  let running = 0;
  let most = 0;
  const clock = new FakeClock();
  const begun: number[] = [];
  const monitor = new HealthMonitor({
    check: CHECK,
    clock,
    changed: () => undefined,
    probe: async (signal) => {
      running += 1;
      most = Math.max(most, running);
      begun.push(clock.now());
      await clock.sleep(1000, signal);
      running -= 1;
      return { exitCode: 1, output: '' };
    },
  });
  monitors.push(monitor);
  await clock.advance(10_000);
  assert.equal(most, 1);
  assert.deepEqual(begun, [0, 3000, 6000, 9000]);
});

test('once it is healthy, retries failures in a row make it unhealthy and one success healthy again', async () => {
  const well = [0, 1, 1, 0, 1, 1, 1, 0];
  const { clock, changes } = watch({ intervalMs: 1000 }, (now) => well[now / 1000] ?? 0);
  await clock.advance(9000);
  assert.deepEqual(changes, ['0 healthy', '6000 unhealthy', '7000 healthy']);
});

test('a probe that throws counts as failed and keeps its reason; one that was killed has no status', async () => {
  const { clock, monitor } = watch({ retries: 1 }, () => {
    throw new Error('no such program');
  });
  await clock.advance(10);
  assert.match(monitor.results.at(-1)?.output ?? '', /no such program/);
  const killed = watch({}, () => 0, { probe: async () => ({ output: 'half' }) });
  await killed.clock.advance(1);
  assert.deepEqual(killed.monitor.results[0]?.exitCode, undefined);
  assert.match(killed.monitor.results[0]?.output ?? '', /half\n\(killed after 5000 ms\)/);
});

test('the last five results are kept', async () => {
  const { clock, monitor } = watch({ intervalMs: 10 }, () => 1);
  await clock.advance(1000);
  assert.equal(monitor.results.length, 5);
});

test('a container that cannot be asked keeps its health', async () => {
  const { clock, monitor, changes } = watch({ intervalMs: 10, retries: 1 }, (now) => (now === 0 ? 0 : undefined));
  await clock.advance(1000);
  assert.deepEqual([monitor.status, changes, monitor.results.length], ['healthy', ['0 healthy'], 1]);
});

test('the next daemon goes on: with the status, the failures so far and the start period', async () => {
  const resume: HealthState = { status: 'healthy', failures: 2, results: [] };
  const { clock, changes, kept } = watch({ intervalMs: 1000 }, () => 1, { resume, ranMs: 60_000 });
  await clock.advance(100);
  assert.deepEqual(changes, ['0 unhealthy']);
  assert.equal(kept.at(-1)?.failures, 3);
  const starting = watch({ retries: 1, intervalMs: 1000, startPeriodMs: 60_000 }, () => 1, { ranMs: 59_000 });
  await starting.clock.advance(5000);
  assert.deepEqual(starting.changes, ['1000 unhealthy']);
});

test('looks at a service that starts are not written down, those that count are', async () => {
  const { clock, kept } = watch({ intervalMs: 1000, startPeriodMs: 2000, retries: 3 }, () => 1);
  await clock.advance(2500);
  assert.deepEqual(
    kept.map(({ failures }) => failures),
    [1],
  );
});

test('it begins when the one before has ended, and ends when it is stopped', async () => {
  const before = Promise.withResolvers<void>();
  const { clock, monitor, probes } = watch({}, () => 0, { after: before.promise });
  await clock.advance(1000);
  assert.deepEqual(probes, []);
  before.resolve();
  await clock.advance(1);
  assert.equal(probes.length, 1);
  monitor.stop();
  await clock.advance(1);
  await monitor.done;
});
