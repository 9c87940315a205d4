import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProcess, top } from '../../src/engine/top.ts';
import { runningContainer } from '../helpers/running.ts';
import { record, spec } from '../helpers/steps.ts';
import { withEngine } from '../helpers/test-engine.ts';

const BOOTED_MS = 1_000_000;

/** /proc of one process with the fields that matter: 4 ppid, 7 tty, 14 and 15 CPU ticks, 22 start in ticks. */
function proc(name: string, fields: readonly [ppid: number, tty: number, user: number, system: number, start: number]) {
  const [ppid, tty, user, system, start] = fields;
  const stat = `71 (${name}) S ${ppid} 71 71 ${tty} 71 4194304 1 2 3 4 ${user} ${system} 0 0 20 0 1 0 ${start} 1000 2\n`;
  return { '/proc/71/stat': stat, '/proc/71/status': 'Name:\tx\nUid:\t0\t33\t33\t33\n' };
}

function read(files: Readonly<Record<string, string>>, nowMs = BOOTED_MS + 20_000) {
  return readProcess({ readText: (path) => files[path] }, 71, { bootedAtMs: BOOTED_MS, nowMs });
}

test('readProcess() takes the effective user, times and terminal from /proc, whatever the program is called', () => {
  const files = { ...proc('a) S 9 (b', [7, 0x8803, 150, 50, 1000]), '/proc/71/cmdline': 'nginx:\0-g\0daemon off;\0' };
  assert.deepEqual(read(files), {
    uid: 33,
    pid: 71,
    ppid: 7,
    cpuPercent: 20,
    startedAtMs: BOOTED_MS + 10_000,
    tty: 'pts/3',
    cpuMs: 2000,
    command: 'nginx: -g daemon off;',
  });
});

test('readProcess() of one without arguments or terminal, of a high terminal, and of one that has ended', () => {
  const bare = read(proc('sh', [1, 0, 0, 0, 0]));
  assert.deepEqual([bare?.command, bare?.tty, bare?.cpuPercent], ['[sh]', undefined, 0]);
  assert.equal(read(proc('sh', [1, 0x8900, 0, 0, 0]))?.tty, 'pts/256');
  assert.equal(read(proc('sh', [1, 0x402, 0, 0, 0]))?.tty, 'tty2');
  assert.equal(read({}), undefined);
});

test('top() shows who is in the cgroups of containers that run, and of no other', () =>
  withEngine(async ({ engine, ...machine }) => {
    runningContainer({ engine, ...machine }, 'web');
    engine.machine.records.containers.put(record(spec('idle'), { run: 0 }));
    Object.assign(engine.machine.cgroups, { processes: () => [process.pid, 2 ** 22 + 1] });
    const [web, ...more] = await top(engine, 'demo', []);
    assert.deepEqual([web?.name, more], ['demo-web-1', []]);
    assert.deepEqual(
      web?.processes.map(({ pid, ppid, uid }) => ({ pid, ppid, uid })),
      [{ pid: process.pid, ppid: process.ppid, uid: process.geteuid?.() }],
    );
    const age = Date.now() - (web?.processes[0]?.startedAtMs ?? 0);
    assert.ok(age > -2000 && age < 600_000, `${age} ms old`);
  }));
