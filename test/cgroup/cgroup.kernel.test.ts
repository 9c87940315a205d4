import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { detectCgroups } from '../../src/cgroup/cgroup.ts';
import { type DeviceAccess, deviceRules } from '../../src/cgroup/device-rules.ts';
import type { Resources } from '../../src/model/limits.ts';
import { deviceProgram } from '../../src/runtime/device-program.ts';
import { readKernelFacts } from '../../src/runtime/kernel-facts.ts';
import { Machine } from '../helpers/machine.ts';
import { readOnlyHost } from '../helpers/read-host.ts';
import { until } from '../helpers/run.ts';

const MIB = 1024 * 1024;
const machine = Machine.here();
const cgroups = detectCgroups(machine);

describe(`cgroup v${cgroups.version}`, () => {
  let name: string;

  beforeEach((context) => {
    name = `tsstack-test-${process.pid}/demo/${context.name.length}.1`;
  });

  afterEach(async () => {
    for (const pid of cgroups.processes(name)) process.kill(pid, 'SIGKILL');
    const deadline = Date.now() + 10_000;
    while (cgroups.processes(name).length > 0) {
      assert.ok(Date.now() < deadline, 'processes are left');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await machine.perform(cgroups.remove(name));
    assert.ok(!cgroups.exists(name));
    for (const file of cgroups.procsFiles(name)) {
      const top = file.split(`/${name}/`)[0] ?? '';
      assert.equal(machine.stat(`${top}/tsstack-test-${process.pid}`), undefined, `${top} is left`);
    }
  });

  const create = (resources: Resources) => machine.perform(cgroups.create(name, resources, { devices: [] }));

  /** Runs a shell script in the cgroup. */
  function spawnInside(script: string): ChildProcess {
    const joins = cgroups.joinFiles(name).map((file) => `echo 0 >'${file}'`);
    return spawn('sh', ['-c', [...joins, script].join('\n')], { stdio: ['ignore', 'pipe', 'ignore'] });
  }

  async function outputOf(script: string): Promise<{ text: string; status: number | null; signal: string | null }> {
    const child = spawnInside(script);
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    const [status, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('close', (...how) => resolve(how)),
    );
    return { text, status, signal };
  }

  async function pidOf(script: string): Promise<number> {
    const child = spawnInside(`echo in; ${script}`);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    return child.pid ?? 0;
  }

  test('a process that joins is counted, and its parent directories take no harm', async () => {
    await create({});
    const pid = await pidOf('exec cat /dev/zero >/dev/null');
    assert.deepEqual(cgroups.processes(name), [pid]);
    assert.ok(cgroups.exists(name));
    // Its first tick may still be to come.
    const usage = await until('the CPU time of a busy process', () => {
      const now = cgroups.usage(name);
      return now !== undefined && now.cpuUsec > 0 && now;
    });
    assert.equal(usage.pids, 1);
    assert.ok(usage.memoryBytes > 0);
    assert.deepEqual(usage.limits, { pids: 2048 });
    assert.deepEqual(cgroups.drift(name, {}), []);
  });

  test('the process limit holds a fork bomb', async () => {
    await create({ pids: 5 });
    // The shell gives up at the first fork that fails, and leaves those that it has.
    await outputOf('for i in 1 2 3 4 5 6 7 8; do sleep 99 >/dev/null & done');
    assert.equal(cgroups.processes(name).length, 4);
    assert.equal(cgroups.usage(name)?.limits.pids, 5);
  });

  test('the memory limit kills, and the kill is counted', async () => {
    await create({ memoryBytes: 16 * MIB });
    const { status, signal } = await outputOf('exec dd if=/dev/zero of=/dev/null bs=200M count=1');
    assert.deepEqual([status, signal], [null, 'SIGKILL']);
    const usage = cgroups.usage(name);
    assert.equal(usage?.oomKills, 1);
    assert.equal(usage.limits.memoryBytes, 16 * MIB);
    assert.ok((usage.memoryPeakBytes ?? 16 * MIB) >= 15 * MIB);
  });

  const full: Resources = {
    cpus: 0.5,
    cpuShares: 512,
    cpuset: '0',
    memoryBytes: 64 * MIB,
    memoryReservationBytes: 32 * MIB,
    memorySwapBytes: 96 * MIB,
    pids: 100,
  };

  test('every limit is in the kernel after create() and after update(), up, down and off, in any order', async () => {
    await create(full);
    assert.deepEqual(cgroups.drift(name, full), []);
    assert.deepEqual(cgroups.unsupportedResources(full), []);
    const states: readonly Resources[] = [
      { memoryBytes: 256 * MIB, memorySwapBytes: 256 * MIB },
      { memoryBytes: 16 * MIB, memorySwapBytes: 20 * MIB, cpuQuotaUs: 20_000, cpuPeriodUs: 50_000 },
      { memoryBytes: 512 * MIB, memorySwapBytes: -1, pids: -1 },
      { memoryBytes: 8 * MIB },
      {},
      full,
    ];
    let before = full;
    for (const after of states) {
      await machine.perform(cgroups.update(name, before, after));
      assert.deepEqual(cgroups.drift(name, after), [], JSON.stringify(after));
      before = after;
    }
  });

  test('update() writes what changed only, and everything to repair', async () => {
    await create(full);
    const changed = cgroups.update(name, full, { ...full, pids: 101 });
    assert.equal(changed.length, 1);
    await machine.perform(cgroups.update(name, full, { ...full, pids: 7, cpus: 1, cpuset: '0-1' }));
    const drift = cgroups.drift(name, full).map(({ message }) => message);
    assert.equal(drift.length, 3);
    assert.ok(drift.includes('pids.max is 7, not 100'), drift.join('\n'));
    await machine.perform(cgroups.update(name, full, full));
    assert.deepEqual(cgroups.drift(name, full), []);
  });

  test('a frozen process does not run, a thawed one does', async () => {
    await create({});
    await pidOf('while :; do :; done');
    assert.equal(cgroups.frozen(name), false);
    await machine.perform(cgroups.freeze(name, true));
    assert.equal(cgroups.frozen(name), true);
    const cpu = () => cgroups.usage(name)?.cpuUsec ?? 0;
    // Frozen when its time stands still over a look that costs milliseconds (a process is started and ends).
    const deadline = Date.now() + 10_000;
    const standsStill = () => {
      const earlier = cpu();
      machine.exec(['sh', '-c', ':']);
      return cpu() === earlier;
    };
    while (!standsStill()) assert.ok(Date.now() < deadline, 'it runs on');
    await machine.perform(cgroups.freeze(name, false));
    assert.equal(cgroups.frozen(name), false);
    while (standsStill()) assert.ok(Date.now() < deadline, 'it stays frozen');
  });

  test('cgroups that a container made inside its own go with it', async () => {
    await create({});
    for (const file of cgroups.procsFiles(name)) {
      await machine.perform([{ op: 'mkdir', path: `${file.replace(/\/[^/]*$/, '')}/inner/most` }]);
    }
  });

  test('create() twice is create() once', async () => {
    await create(full);
    await create(full);
    assert.deepEqual(cgroups.drift(name, full), []);
  });

  const kmsg = { source: '/dev/kmsg', target: '/dev/kmsg', permissions: 'r' };
  const look = '(exec 3</dev/kmsg) 2>/dev/null && echo read; (exec 3>/dev/kmsg) 2>/dev/null && echo write; :';

  /** On cgroup v2 the container's launcher does it. */
  async function limitDevices(access: DeviceAccess): Promise<void> {
    const cgroup = cgroups.deviceProgramDirectory(name);
    const rules = deviceRules(machine, access);
    if (cgroup === undefined || rules === 'all') return;
    const scratch = mkdtempSync(join(tmpdir(), 'tsstack-devices-'));
    try {
      const path = join(scratch, 'devices');
      writeFileSync(path, deviceProgram(readKernelFacts(readOnlyHost()), { cgroup, rules }), { mode: 0o700 });
      await machine.run([path]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  async function createFor(access: DeviceAccess): Promise<void> {
    await machine.perform(cgroups.create(name, {}, access));
    await limitDevices(access);
  }

  test('device access is what is allowed', async () => {
    await createFor({ devices: [] });
    const { text } = await outputOf(`echo yes >/dev/null && echo null; ${look}`);
    assert.equal(text, 'null\n');
  });

  test('device access includes devices asked for, with their permissions', async () => {
    await createFor({ devices: [kmsg] });
    assert.equal((await outputOf(look)).text, 'read\n');
  });

  test('device access is by device_cgroup_rules, and changes under what runs', async () => {
    const node = `/dev/.tsstack-test-${process.pid}`;
    const both = `(exec 3<>${node}) 2>/dev/null && echo both; :`;
    const steps: readonly (readonly [rules: readonly string[], seen: string])[] = [
      [['c 1:11 w'], 'write\n'],
      [['c 1:* r'], 'read\n'],
      // Each allows a part: one rule must allow all that is asked for.
      [['c 1:* r', 'c 1:11 w'], 'read\nwrite\n'],
      [['c 1:11 r', 'c 1:11 w'], 'read\nwrite\nboth\n'],
      [['b 1:11 rwm'], ''],
      [['a 1:11 rw'], 'read\nwrite\nboth\n'],
      [[], ''],
      [['a *:* rwm'], 'read\nwrite\nboth\n'],
      [['c 10:200 rwm'], ''],
    ];
    const before = { devices: [] };
    await createFor(before);
    assert.equal(machine.exec(['mknod', node, 'c', '1', '11']).exitCode, 0);
    try {
      let had: DeviceAccess = before;
      for (const [rules, seen] of steps) {
        const access = { devices: [], rules };
        await machine.perform(cgroups.updateDevices(name, had, access));
        await limitDevices(rules.includes('a *:* rwm') ? { devices: [], rules: ['a *:* rw', 'a *:* m'] } : access);
        assert.equal((await outputOf(`${look}; ${both}`)).text, seen, rules.join(', '));
        had = access;
      }
    } finally {
      rmSync(node);
    }
  });
});
