import type { LaunchConfig } from '../config.ts';

/** Mount points of cgroup hierarchies of version 1 that the container has no cgroup in; and of cgroup2 beside them. */
export function foreignHierarchies({
  kernel,
  cgroupJoinFiles,
}: Pick<LaunchConfig, 'kernel' | 'cgroupJoinFiles'>): readonly string[] {
  if (kernel.cgroupVersion === 2) return [];
  const joined = (path: string) => cgroupJoinFiles.some((file) => file.startsWith(`${path}/`));
  return [...kernel.cgroupMounts.map(({ path }) => path).filter((path) => !joined(path)), '/sys/fs/cgroup/unified'];
}
