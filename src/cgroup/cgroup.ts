import type { Host } from '../host/host.ts';
import { TsstackError } from '../model/error.ts';
import type { Rootless } from '../model/rootless.ts';
import type { Cgroups } from './interface.ts';
import { parseCgroupMounts } from './mounts.ts';
import { noCgroups } from './none.ts';
import { createCgroupsV1 } from './v1/cgroups.ts';
import { createCgroupsV2 } from './v2/cgroups.ts';

export type { Cgroups } from './interface.ts';

/** Looks at /proc/self/mountinfo once. Throws `unsupported-host` when there is neither. */
export function detectCgroups(host: Host): Cgroups {
  const mounts = parseCgroupMounts(host.readText('/proc/self/mountinfo') ?? '');
  if (mounts.v1.size > 0) return createCgroupsV1(host, mounts.v1);
  if (mounts.v2 !== undefined) return createCgroupsV2(host, mounts.v2);
  throw new TsstackError('unsupported-host', 'No cgroup hierarchy is mounted', {
    hint: 'Run mount -t cgroup2 none /sys/fs/cgroup',
  });
}

/** Those of an ordinary user: below what was delegated to him, or none. */
export function delegatedCgroups(host: Host, { cgroup, cgroupProblem = '' }: Rootless): Cgroups {
  return cgroup === undefined ? noCgroups(host, cgroupProblem) : createCgroupsV2(host, cgroup);
}
