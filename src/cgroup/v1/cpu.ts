import type { Resources } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import { cpuQuota } from '../cpu-quota.ts';
import { shows } from '../limit.ts';

const DEFAULT_SHARES = 1024;

/** cpu.shares, cpu.cfs_period_us, cpu.cfs_quota_us (kernel: scheduler/sched-bwc.rst, admin-guide/cgroup-v1). */
export const cpu: Controller = {
  name: 'cpu',
  limits(resources) {
    const shares = String(resources.cpuShares || DEFAULT_SHARES);
    const { quotaUs, periodUs } = cpuQuota(resources);
    const askedQuota = quotaUs === undefined ? {} : { askedBy: resources.cpus === undefined ? 'cpu_quota' : 'cpus' };
    const quota = String(quotaUs ?? -1);
    return [
      {
        file: 'cpu.shares',
        data: shares,
        isInitial: shares === String(DEFAULT_SHARES),
        ...(resources.cpuShares !== undefined && { askedBy: 'cpu_shares' }),
        matches: shows(shares),
      },
      {
        file: 'cpu.cfs_period_us',
        data: String(periodUs),
        isInitial: periodUs === 100_000,
        ...(resources.cpuPeriodUs !== undefined && { askedBy: 'cpu_period' }),
        matches: shows(String(periodUs)),
      },
      { file: 'cpu.cfs_quota_us', data: quota, isInitial: quotaUs === undefined, ...askedQuota, matches: shows(quota) },
    ];
  },
  supports: (file, facts) => facts.readRoot(file) !== undefined,
};

/** The quota as the kernel has it; nothing when there is none. */
export function parseQuota(
  quota: string | undefined,
  period: string | undefined,
): Pick<Resources, 'cpuQuotaUs' | 'cpuPeriodUs'> {
  const quotaUs = Number(quota ?? -1);
  return quotaUs > 0 ? { cpuQuotaUs: quotaUs, cpuPeriodUs: Number(period) } : {};
}
