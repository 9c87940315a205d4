import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { renderStats, type Sample, statsOf } from '../../src/cli/views/stats.ts';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { fakeDaemon, json } from './fake-daemon.ts';
import { cli, startCli } from './run-cli.ts';

const MIB = 1024 ** 2;

function container(name: string, cpuUsec: number, memoryLimit?: number): ContainerSummary {
  const usage = {
    cpuUsec,
    memoryBytes: 64 * MIB,
    pids: 3,
    ioReadBytes: 1024,
    ioWriteBytes: 0,
    oomKills: 0,
    limits: { ...(memoryLimit !== undefined && { memoryBytes: memoryLimit }) },
  };
  return { name, service: 'web', index: 1, stack: 'demo', status: 'running', usage } as unknown as ContainerSummary;
}

const at = (atMs: number, ...containers: readonly ContainerSummary[]): Sample => ({ atMs, containers });

test('statsOf() is CPU time over the time that has passed, and memory over the limit or what there is', () => {
  const [web, db] = statsOf(
    at(1000, container('web', 500_000, 256 * MIB), container('db', 0)),
    at(3000, container('web', 3_500_000, 256 * MIB), container('db', 1000)),
    1024 * MIB,
  );
  assert.deepEqual([web?.cpuPercent, web?.memoryPercent, web?.memoryLimitBytes], [150, 25, 256 * MIB]);
  assert.deepEqual([db?.cpuPercent, db?.memoryPercent, db?.memoryLimitBytes], [0.05, 6.25, 1024 * MIB]);
});

test('statsOf() of a container that is new, or was made anew, has no CPU usage yet', () => {
  const stats = statsOf(at(0, container('old', 900)), at(1000, container('old', 7), container('new', 5_000_000)));
  assert.deepEqual(
    stats.map(({ cpuPercent }) => cpuPercent),
    [0, 0],
  );
});

test('renderStats() has dashes for a container that does not run', () => {
  const { usage: _usage, ...idle } = container('web', 0);
  const text = renderStats(statsOf(at(0, idle), at(1000, idle)));
  assert.match(text.split('\n')[1] ?? '', /^web( +-){7}$/);
});

test('renderStats() has the columns of Docker and pressure, and says what is not told', () => {
  const text = renderStats(statsOf(at(0, container('web', 0)), at(1000, container('web', 250_000, 128 * MIB))));
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS', 'PRESSURE'],
      ['web', '25.00%', '64 MiB / 128 MiB', '50.00%', 'n/a', '1 KiB / 0 B', '3', 'n/a'],
    ],
  );
});

test('renderStats() shows traffic and pressure where they are known', () => {
  const web = container('web', 0);
  const told = {
    ...web,
    traffic: { rxBytes: 2048, txBytes: 1024 },
    usage: { ...web.usage, pressure: { cpu: 1.5, io: 0 } },
  } as ContainerSummary;
  const text = renderStats(statsOf(at(0, told), at(1000, told)));
  assert.match(text, / 2 KiB \/ 1 KiB .* 1\.50% \/ n\/a \/ 0\.00%\n$/);
});

test('stats --no-stream looks twice and prints once; without it, it goes on until Ctrl-C and ends well', async () => {
  let looks = 0;
  const ended = { name: 'job', service: 'job', index: 1, stack: 'demo', status: 'exited' };
  const daemon = await fakeDaemon({
    'GET /v1/version': (_body, response) => json(response, {}),
    'POST /v1/containers': (_body, response) => json(response, [container('web', 1_000_000 * looks++), ended]),
  });
  try {
    const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
    const { stdout, status } = await cli('/', ['-p', 'demo', 'stats', '--no-stream', '--format', 'json', 'web'], env);
    const stats = JSON.parse(stdout) as { readonly name: string; readonly cpuPercent: number }[];
    assert.deepEqual([status, looks, stats.map(({ name }) => name)], [0, 2, ['web']]);
    // A second of CPU time in a bit more than a second.
    const percent = stats[0]?.cpuPercent ?? 0;
    assert.ok(percent > 5 && percent <= 101, `${percent} %`);
    assert.deepEqual(daemon.requests[0]?.body, { selector: { stack: 'demo' }, services: ['web'] });

    const child = startCli('/', ['-p', 'demo', 'stats'], env);
    let shown = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      shown += text;
      if (shown.split('NAME').length > 2) break;
    }
    const exit = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual((await exit)[0], 0);
  } finally {
    await daemon.close();
  }
});
