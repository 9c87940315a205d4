import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { detectCgroups } from '../../src/cgroup/cgroup.ts';
import { cpuListsEqual } from '../../src/cgroup/cpu-list.ts';
import { cpuQuota } from '../../src/cgroup/cpu-quota.ts';
import { readDeviceNumber } from '../../src/cgroup/device-number.ts';
import { parseIoBytes as parseV1IoBytes } from '../../src/cgroup/v1/blkio.ts';
import { weightOfShares } from '../../src/cgroup/v2/cpu.ts';
import { parseIoBytes } from '../../src/cgroup/v2/io.ts';
import type { HostOp } from '../../src/host/op.ts';
import type { Blkio, Resources } from '../../src/model/limits.ts';
import { fakeHost, V1_FILES, V2_FILES } from './fake-host.ts';

const NAME = 'tsstack/demo/web.1';
const ROOT = '/sys/fs/cgroup';
const MIB = 1024 * 1024;
const blkio: Blkio = {
  weightDevice: [],
  deviceReadBps: [],
  deviceWriteBps: [],
  deviceReadIops: [],
  deviceWriteIops: [],
};

function lines(ops: readonly HostOp[]): readonly string[] {
  return ops.map((op) => {
    if (op.op === 'write-in-place') return `${op.path.replace(`${ROOT}/`, '')} = ${op.data}`;
    return 'path' in op ? `${op.op} ${op.path.replace(`${ROOT}/`, '')}` : op.op;
  });
}

describe('cgroup v2', () => {
  const cgroups = detectCgroups(fakeHost(V2_FILES));
  const write = (resources: Resources) =>
    lines(cgroups.create(NAME, { pids: -1, ...resources }, { devices: [] }))
      .filter((line) => line.startsWith(`${NAME}/`))
      .map((line) => line.replace(`${NAME}/`, ''));

  test('create() hands controllers down from parent to parent, in the root only those that it lacks', () => {
    assert.deepEqual(lines(cgroups.create(NAME, {}, { devices: [] })), [
      'cgroup.subtree_control = +cpuset +cpu +io',
      'mkdir tsstack',
      'tsstack/cgroup.subtree_control = +cpuset +cpu +memory +pids +io',
      'mkdir tsstack/demo',
      'tsstack/demo/cgroup.subtree_control = +cpuset +cpu +memory +pids +io',
      'mkdir tsstack/demo/web.1',
      'tsstack/demo/web.1/pids.max = 2048',
    ]);
  });

  test('limits are in the terms of v2: swap alone, quota and period in one', () => {
    assert.deepEqual(write({ memoryBytes: 64 * MIB, memorySwapBytes: 96 * MIB, memoryReservationBytes: MIB }), [
      `memory.low = ${MIB}`,
      `memory.max = ${64 * MIB}`,
      `memory.swap.max = ${32 * MIB}`,
    ]);
    assert.deepEqual(write({ memoryBytes: MIB, memorySwapBytes: -1 }), [`memory.max = ${MIB}`]);
    assert.deepEqual(write({ cpus: 1.5, cpuset: '0,1' }), ['cpuset.cpus = 0,1', 'cpu.max = 150000 100000']);
  });

  test('memory without a word about swap may swap as much again', () => {
    assert.deepEqual(write({ memoryBytes: MIB }), [`memory.max = ${MIB}`, `memory.swap.max = ${MIB}`]);
  });

  test('the rates of a device are one line of io.max, taken back when it is no longer named', () => {
    const limited = {
      blkio: {
        ...blkio,
        deviceReadBps: [{ path: '/dev/disk/by-id/one', rate: 1000 }],
        deviceWriteIops: [{ path: '/dev/sda', rate: 7 }],
      },
    };
    assert.deepEqual(write(limited), ['io.max = 8:0 rbps=1000 wbps=max riops=max wiops=7']);
    assert.deepEqual(lines(cgroups.update(NAME, limited, {})), [
      `${NAME}/io.max = 8:0 rbps=max wbps=max riops=max wiops=max`,
    ]);
  });

  test('weights are those of the I/O cost controller, or of BFQ where it is loaded', () => {
    const weighted = { pids: -1, blkio: { ...blkio, weight: 1000 } };
    assert.deepEqual(write(weighted), ['io.weight = default 10000']);
    const bfq = detectCgroups(fakeHost({ ...V2_FILES, '/sys/module/bfq': '' }));
    assert.equal(lines(bfq.create(NAME, weighted, { devices: [] })).at(-1), `${NAME}/io.bfq.weight = default 1000`);
  });

  test('remove() takes the container’s whole tree, parents only if nothing else is in them', () => {
    assert.deepEqual(cgroups.remove(NAME), [
      { op: 'rmdir', path: `${ROOT}/${NAME}`, tree: true },
      { op: 'rmdir', path: `${ROOT}/tsstack/demo`, tolerateNonEmpty: true },
      { op: 'rmdir', path: `${ROOT}/tsstack`, tolerateNonEmpty: true },
    ]);
  });
});

describe('cgroup v1', () => {
  const cgroups = detectCgroups(fakeHost(V1_FILES));

  test('is preferred on a hybrid machine; controllers mounted together share a directory', () => {
    assert.equal(cgroups.version, 1);
    assert.deepEqual(cgroups.procsFiles(NAME), [
      `${ROOT}/cpu,cpuacct/${NAME}/cgroup.procs`,
      `${ROOT}/cpu set/${NAME}/cgroup.procs`,
      `${ROOT}/memory/${NAME}/cgroup.procs`,
      `${ROOT}/pids/${NAME}/cgroup.procs`,
    ]);
    assert.deepEqual(cgroups.joinFiles(NAME).at(-1), `${ROOT}/pids/${NAME}/tasks`);
  });

  test('create() gives our topmost cpuset its CPUs before any is made in it', () => {
    assert.deepEqual(lines(cgroups.create(NAME, {}, { devices: [] })).slice(0, 6), [
      'mkdir cpu set/tsstack',
      'cpu set/tsstack/cgroup.clone_children = 1',
      'cpu set/tsstack/cpuset.cpus = 0-3',
      'cpu set/tsstack/cpuset.mems = 0',
      `mkdir cpu,cpuacct/${NAME}`,
      `mkdir cpu set/${NAME}`,
    ]);
  });

  test('what the kernel lacks is left out and told', () => {
    const resources = { memoryBytes: MIB, memorySwapBytes: 2 * MIB, blkio: { ...blkio, weight: 100 } };
    assert.doesNotMatch(lines(cgroups.create(NAME, resources, { devices: [] })).join('\n'), /memsw|blkio/);
    assert.deepEqual(cgroups.unsupportedResources(resources), [
      'memswap_limit: this kernel has no memory.memsw.limit_in_bytes',
      'blkio_config.weight: this kernel has no blkio.bfq.weight',
    ]);
    assert.deepEqual(cgroups.unsupportedResources({ memoryBytes: MIB, cpus: 1 }), []);
  });

  test('update() never lets the memory limit exceed that of memory and swap', () => {
    const memsw = { ...V1_FILES, [`${ROOT}/memory/memory.memsw.limit_in_bytes`]: '' };
    const swapping = detectCgroups(fakeHost(memsw));
    const small = { memoryBytes: MIB, memorySwapBytes: 2 * MIB };
    const large = { memoryBytes: 8 * MIB, memorySwapBytes: 8 * MIB };
    for (const [before, after] of [
      [small, large],
      [large, small],
      [small, small],
    ] as const) {
      let [memory, both] = [before.memoryBytes, before.memorySwapBytes];
      for (const op of swapping.update(NAME, before, after)) {
        if (op.op !== 'write-in-place' || !op.path.includes('limit_in_bytes') || op.path.includes('soft')) continue;
        const value = op.data === '-1' ? Number.POSITIVE_INFINITY : Number(op.data);
        if (op.path.includes('memsw')) both = value;
        else memory = value;
        assert.ok(memory <= both, `${op.path} = ${op.data}`);
      }
      assert.deepEqual([memory, both], [after.memoryBytes, after.memorySwapBytes]);
    }
  });

  test('usage() of a cgroup that is not there is undefined', () => {
    assert.equal(cgroups.usage(NAME), undefined);
    assert.deepEqual(cgroups.processes(NAME), []);
  });
});

describe('conversions', () => {
  test('weightOfShares() keeps both ends and the default', () => {
    assert.deepEqual([1, 2, 1024, 262_144, 999_999].map(weightOfShares), [1, 1, 100, 10_000, 10_000]);
    for (let shares = 2; shares < 262_144; shares *= 2) assert.ok(weightOfShares(shares) <= weightOfShares(shares * 2));
  });

  test('cpuQuota() knows CPUs, quota and period, and the kernel’s least quota', () => {
    assert.deepEqual(cpuQuota({ cpus: 0.5 }), { quotaUs: 50_000, periodUs: 100_000 });
    assert.deepEqual(cpuQuota({ cpus: 0.001 }), { quotaUs: 1000, periodUs: 100_000 });
    assert.deepEqual(cpuQuota({ cpuQuotaUs: 5000, cpuPeriodUs: 20_000 }), { quotaUs: 5000, periodUs: 20_000 });
    assert.deepEqual(cpuQuota({}), { quotaUs: undefined, periodUs: 100_000 });
  });

  test('cpuListsEqual() compares what lists mean', () => {
    assert.ok(cpuListsEqual('0,1,2', '0-2\n'));
    assert.ok(!cpuListsEqual('0-2', '0-3'));
    assert.ok(cpuListsEqual('\n', ''));
  });

  test('device numbers are unpacked as the C library does, through links', () => {
    const host = fakeHost({});
    assert.deepEqual(readDeviceNumber(host, '/dev/disk/by-id/one'), { type: 'block', number: '8:0' });
    // major(0x12345678) is 0x456, minor is 0x12378.
    assert.deepEqual(readDeviceNumber(host, '/dev/big'), { type: 'char', number: '1110:74616' });
    assert.throws(() => readDeviceNumber(host, '/dev/none'), { code: 'not-found' });
  });

  test('bytes read and written are sums over devices', () => {
    const v1 = '254:0 Read 10\n254:0 Write 3\n254:0 Total 13\n8:0 Read 5\nTotal 18\n';
    assert.deepEqual([parseV1IoBytes(v1, 'Read'), parseV1IoBytes(v1, 'Write')], [15, 3]);
    const v2 = '254:0 rbytes=10 wbytes=3 rios=1\n8:0 rbytes=5 wbytes=0\n';
    assert.deepEqual([parseIoBytes(v2, 'rbytes'), parseIoBytes(v2, 'wbytes')], [15, 3]);
  });

  test('a machine without cgroups is refused', () => {
    assert.throws(() => detectCgroups(fakeHost({})), { code: 'unsupported-host' });
  });
});
