import type { Resources } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import { cpuQuota } from '../cpu-quota.ts';
import { shows } from '../limit.ts';

const DEFAULT_WEIGHT = 100;

/** cpu.weight and cpu.max (kernel: admin-guide/cgroup-v2.rst). */
export const cpu: Controller = {
  name: 'cpu',
  limits(resources) {
    const weight = resources.cpuShares ? weightOfShares(resources.cpuShares) : DEFAULT_WEIGHT;
    const { quotaUs, periodUs } = cpuQuota(resources);
    const max = `${quotaUs ?? 'max'} ${periodUs}`;
    return [
      {
        file: 'cpu.weight',
        data: String(weight),
        isInitial: weight === DEFAULT_WEIGHT,
        ...(resources.cpuShares !== undefined && { askedBy: 'cpu_shares' }),
        matches: shows(String(weight)),
      },
      {
        file: 'cpu.max',
        data: max,
        isInitial: max === 'max 100000',
        ...(quotaUs !== undefined && { askedBy: resources.cpus === undefined ? 'cpu_quota' : 'cpus' }),
        matches: shows(max),
      },
    ];
  },
  supports: () => true,
};

/**
 * cpu.weight (1 to 10000) of cgroup v1's shares (2 to 262144), such that the default stays the default (1024 → 100) and
 * both ends meet: a quadratic curve between the logarithms, as runc 1.3.2 and crun 1.23 have it (runc issue 4772).
 */
export function weightOfShares(shares: number): number {
  const log = Math.log2(Math.min(262_144, Math.max(2, shares)));
  const exponent = (log * log + 125 * log) / 612 - 7 / 34;
  // Rounded up, but not for what is a whole number but for the last binary digit.
  return Math.ceil(10 ** exponent - 1e-6);
}

/** Microseconds of `usage_usec` in cpu.stat. */
export function parseCpuUsec(stat: string | undefined): number {
  return Number(/^usage_usec (\d+)$/m.exec(stat ?? '')?.[1] ?? 0);
}

/** The quota as cpu.max shows it; nothing when there is none. */
export function parseQuota(max: string | undefined): Pick<Resources, 'cpuQuotaUs' | 'cpuPeriodUs'> {
  const match = /^(\d+) (\d+)/.exec(max ?? '');
  return match === null ? {} : { cpuQuotaUs: Number(match[1]), cpuPeriodUs: Number(match[2]) };
}
