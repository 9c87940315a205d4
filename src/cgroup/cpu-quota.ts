import type { Resources } from '../model/limits.ts';

/** Period of the CPU quota when nothing is said (kernel: sched-bwc.rst), microseconds. */
const DEFAULT_PERIOD_US = 100_000;

/** The kernel takes no quota below one millisecond (max_cfs_quota_period and min_cfs_quota_period in kernel/sched/core.c). */
const MIN_QUOTA_US = 1000;

/** `cpus`, or `cpu_quota` and `cpu_period`, in the kernel's terms. quotaUs undefined: unlimited. */
export function cpuQuota(resources: Resources): { readonly quotaUs: number | undefined; readonly periodUs: number } {
  const periodUs = resources.cpuPeriodUs || DEFAULT_PERIOD_US;
  if (resources.cpus !== undefined && resources.cpus > 0) {
    return { quotaUs: Math.max(MIN_QUOTA_US, Math.round(resources.cpus * periodUs)), periodUs };
  }
  const quota = resources.cpuQuotaUs ?? -1;
  return { quotaUs: quota > 0 ? quota : undefined, periodUs };
}
