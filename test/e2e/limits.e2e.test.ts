import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

e2e('in examples/limits, the memory hog is killed by the kernel and ps says so', async (project) => {
  project.useExample('limits');
  await project.expect(0, 'up', '-d', 'memory-hog');
  const hog = await project.exited('memory-hog');
  assert.equal(hog.exitCode, 137);
  assert.equal(hog.oomKilled, true);
  assert.match(await project.expect(0, 'ps', '-a'), /memory-hog.*(out of memory|oom)/i);
});

e2e('in examples/limits, the fork bomb is held at its limit of processes', async (project) => {
  project.useExample('limits');
  await project.expect(0, 'up', '-d', 'fork-bomb');
  await until('forks to be refused', async () => /fork/i.test(await project.logs('fork-bomb')));
  const pids = Number(project.cgroup('fork-bomb', 'pids/pids.current', 'pids.current'));
  assert.ok(pids > 10 && pids <= 20, `${pids} processes`);
  assert.equal((await project.container('fork-bomb')).status, 'running');
});

e2e('in examples/limits, the CPU hog gets a quarter of a CPU, by the count of the scheduler', async (project) => {
  project.useExample('limits');
  await project.expect(0, 'up', '-d', 'cpu-hog');
  const { periods, usedUs } = await until('40 scheduler periods', () => {
    const stat = project.cgroup('cpu-hog', 'cpu/cpu.stat', 'cpu.stat');
    const count = Number(/nr_periods (\d+)/.exec(stat)?.[1]);
    if (count < 40) return false;
    const usage = /usage_usec (\d+)/.exec(stat)?.[1];
    const ns = usage === undefined ? project.cgroup('cpu-hog', 'cpuacct/cpuacct.usage', '') : `${usage}000`;
    return { periods: count, usedUs: Number(ns) / 1000 };
  });
  // Each CPU may run over by a slice of 5 ms a period (kernel/sched/fair.c), and the period under way is not counted.
  const share = usedUs / ((periods + 1) * 100_000);
  assert.ok(share > 0.15 && share < 0.32, `${share} CPUs over ${periods} periods`);
});
