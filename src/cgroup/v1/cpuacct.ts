/** CPU time of a cgroup in microseconds, of cpuacct.usage in nanoseconds. */
export function parseCpuUsec(usage: string | undefined): number {
  return Math.floor(Number(usage ?? 0) / 1000);
}
