import type { FileStat, Host } from '../../src/host/host.ts';

const MOUNTS_V2 = '25 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

/** A machine that is only read: files by path; a block device /dev/sda is 8:0, /dev/disk/by-id/one links to it. */
export function fakeHost(files: Readonly<Record<string, string>>): Host {
  const stat = (path: string): FileStat | undefined => {
    const blank = { mode: 0, uid: 0, gid: 0, sizeBytes: 0, modifiedMs: 0, device: 0, inode: 0, rdev: 0 };
    if (path === '/dev/sda') return { ...blank, type: 'block', rdev: 0x800 };
    if (path === '/dev/big') return { ...blank, type: 'char', rdev: 0x1234_5678 };
    if (path === '/dev/disk/by-id/one') return { ...blank, type: 'symlink' };
    return files[path] === undefined ? undefined : { ...blank, type: 'file' };
  };
  return {
    perform: async () => {},
    run: async () => ({ stdout: '', stderr: '', exitCode: 1 }),
    readText: (path) => files[path],
    readBytes: () => undefined,
    readDirectory: () => [],
    stat,
    readLink: (path) => (path === '/dev/disk/by-id/one' ? '../../sda' : undefined),
  };
}

export const V2_FILES: Readonly<Record<string, string>> = {
  '/proc/self/mountinfo': MOUNTS_V2,
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids\n',
  '/sys/fs/cgroup/cgroup.subtree_control': 'memory pids\n',
  '/sys/fs/cgroup/io.cost.qos': '',
  '/proc/swaps': '',
};

/** cpu and cpuacct in one hierarchy, swap accounting off, no blkio. */
export const V1_FILES: Readonly<Record<string, string>> = {
  '/proc/self/mountinfo': [
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '34 31 0:31 / /sys/fs/cgroup/cpu\\040set rw - cgroup cgroup rw,cpuset',
    '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '39 31 0:36 / /sys/fs/cgroup/pids rw shared:7 - cgroup cgroup rw,pids',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n'),
  '/sys/fs/cgroup/cpu,cpuacct/cpu.shares': '1024\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpu set/cpuset.cpus': '0-3\n',
  '/sys/fs/cgroup/cpu set/cpuset.mems': '0\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/memory.soft_limit_in_bytes': '9223372036854771712\n',
};
