import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../src/host/host.ts';
import { readKernelFacts } from '../../src/runtime/kernel-facts.ts';
import { readOnlyHost } from '../helpers/read-host.ts';

const FILES: Readonly<Record<string, string>> = {
  '/proc/sys/kernel/osrelease': '6.1.0-31-amd64\n',
  '/proc/sys/kernel/cap_last_cap': '40\n',
  '/proc/self/status': 'Name:\tx\nCapPrm:\t000001fffeffffff\nCapBnd:\t000001ffffffffff\n',
  '/proc/self/limits': [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max open files            1024                 524288               files     ',
    'Max core file size        0                    unlimited            bytes     ',
  ].join('\n'),
  '/proc/self/mountinfo': [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:3 - cgroup cgroup rw,cpu,cpuacct,clone_children',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x/y,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n'),
};

function host(changes: Readonly<Record<string, string>> = {}): Host {
  const files = { ...FILES, ...changes };
  const directories = ['/sys/firmware', '/sys/devices/system/cpu/cpu0/thermal_throttle'];
  const stat = { mode: 0, uid: 0, gid: 0, sizeBytes: 0, modifiedMs: 0, device: 0, inode: 0, rdev: 0 };
  return {
    ...readOnlyHost(),
    readText: (path) => files[path],
    readDirectory: () => ['cpu0', 'cpu1', 'cpufreq'],
    stat: (path) => {
      if (directories.includes(path)) return { ...stat, type: 'directory' };
      return path === '/proc/kcore' ? { ...stat, type: 'file' } : undefined;
    },
  };
}

test('readKernelFacts() reads /proc and /sys', () => {
  assert.deepEqual(readKernelFacts(host()), {
    arch: process.arch === 'x64' ? 'x86_64' : 'aarch64',
    version: [6, 1],
    lastCapability: 40,
    boundingSet: '1fffeffffff',
    maskedPaths: [
      { path: '/proc/kcore', type: 'file' },
      { path: '/sys/firmware', type: 'directory' },
      { path: '/sys/devices/system/cpu/cpu0/thermal_throttle', type: 'directory' },
    ],
    hardLimits: { nofile: 524288, core: -1 },
    cgroupVersion: 1,
    cgroupMounts: [
      { path: '/sys/fs/cgroup/cpu,cpuacct', options: 'cpu,cpuacct' },
      { path: '/sys/fs/cgroup/systemd', options: 'name=systemd' },
    ],
    labels: {},
  });
});

test('readKernelFacts() knows a cgroup v2 host', () => {
  const mountinfo = '31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate';
  const { cgroupVersion, cgroupMounts } = readKernelFacts(host({ '/proc/self/mountinfo': mountinfo }));
  assert.deepEqual({ cgroupVersion, cgroupMounts }, { cgroupVersion: 2, cgroupMounts: [] });
});

test('readKernelFacts() refuses a kernel without mount_setattr', () => {
  assert.throws(() => readKernelFacts(host({ '/proc/sys/kernel/osrelease': '5.10.0' })), { code: 'unsupported-host' });
});
