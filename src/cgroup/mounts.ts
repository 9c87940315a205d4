import { unescapeOctal } from '../lib/unescape-octal.ts';
/** Controllers that we use, under their cgroup v1 names. */
export const V1_CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'devices', 'freezer'] as const;

export type V1Controller = (typeof V1_CONTROLLERS)[number];

export interface CgroupMounts {
  /** Mount point by controller; controllers mounted together (`cpu,cpuacct`) share theirs. Empty on a v2 host. */
  readonly v1: ReadonlyMap<V1Controller, string>;
  readonly v2: string | undefined;
}

/**
 * Finds the cgroup file systems in /proc/self/mountinfo (proc_pid_mountinfo(5)): `36 31 0:33 / /sys/fs/cgroup/memory
 * rw,relatime - cgroup cgroup rw,memory`. The first mount of a hierarchy counts.
 */
export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  const v1 = new Map<V1Controller, string>();
  let v2: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left = '', right] = line.split(' - ');
    const [type, , superOptions = ''] = (right ?? '').split(' ');
    const path = unescapeOctal(left.split(' ')[4] ?? '');
    if (type === 'cgroup2') v2 ??= path;
    if (type !== 'cgroup') continue;
    const options = new Set(superOptions.split(','));
    for (const controller of V1_CONTROLLERS) {
      if (options.has(controller) && !v1.has(controller)) v1.set(controller, path);
    }
  }
  return { v1, v2 };
}
