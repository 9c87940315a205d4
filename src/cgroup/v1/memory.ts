import type { Resources } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import type { Facts } from '../facts.ts';
import { type Limit, shows } from '../limit.ts';
import { memoryAndSwapLimit, memoryLimit, memoryReservation, sameMemory } from '../memory-size.ts';

const LIMIT = 'memory.limit_in_bytes';
const MEMORY_AND_SWAP = 'memory.memsw.limit_in_bytes';
const UNLIMITED = '-1';

/** kernel: admin-guide/cgroup-v1/memory.rst. Files named memsw are there with swap accounting only. */
export const memory: Controller = {
  name: 'memory',
  limits(resources, facts) {
    return [
      memoryFile('memory.soft_limit_in_bytes', memoryReservation(resources), 'mem_reservation'),
      memoryFile(LIMIT, memoryLimit(resources), 'mem_limit'),
      memoryFile(
        MEMORY_AND_SWAP,
        memoryAndSwapLimit(resources),
        resources.memorySwapBytes === undefined ? undefined : 'memswap_limit',
      ),
      oomControl(resources),
      swappiness(resources, facts),
    ];
  },
  supports: (file, facts) => facts.readRoot(file) !== undefined,
  order: orderMemory,
};

/**
 * At every moment the memory limit must not exceed the one of memory and swap (EINVAL), whatever both are now and shall
 * become. So the latter is taken off first.
 */
function orderMemory(changed: readonly Limit[], after: readonly Limit[]): readonly Limit[] {
  const both = after.filter(({ file }) => file === LIMIT || file === MEMORY_AND_SWAP);
  const swap = both.find(({ file }) => file === MEMORY_AND_SWAP);
  if (swap === undefined || !changed.some((limit) => both.includes(limit))) return changed;
  const others = changed.filter((limit) => !both.includes(limit));
  const last = swap.data === UNLIMITED ? both.filter((limit) => limit !== swap) : both;
  return [...others, { ...swap, data: UNLIMITED }, ...last];
}

function memoryFile(file: string, bytes: number | undefined, askedBy: string | undefined): Limit {
  return {
    file,
    data: bytes === undefined ? UNLIMITED : String(bytes),
    isInitial: bytes === undefined,
    ...(bytes !== undefined && askedBy !== undefined && { askedBy }),
    matches: (shown) => sameMemory(shown, bytes),
  };
}

function oomControl({ oomKillDisable }: Resources): Limit {
  const data = oomKillDisable === true ? '1' : '0';
  return {
    file: 'memory.oom_control',
    data,
    isInitial: oomKillDisable !== true,
    ...(oomKillDisable === true && { askedBy: 'oom_kill_disable' }),
    matches: (shown) => new RegExp(`^oom_kill_disable ${data}$`, 'm').test(shown),
  };
}

/** A new cgroup has what the one above it had then. */
function swappiness({ memorySwappiness }: Resources, facts: Facts): Limit {
  const data = String(memorySwappiness ?? (facts.readRoot('memory.swappiness')?.trim() || '60'));
  const asked = memorySwappiness !== undefined;
  return {
    file: 'memory.swappiness',
    data,
    isInitial: !asked,
    ...(asked && { askedBy: 'mem_swappiness' }),
    ...(asked && { matches: shows(data) }),
  };
}

/** The counter `oom_kill` of memory.oom_control (kernel 4.13). */
export function parseOomKills(oomControl: string | undefined): number {
  return Number(/^oom_kill (\d+)$/m.exec(oomControl ?? '')?.[1] ?? 0);
}
