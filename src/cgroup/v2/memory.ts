import type { Resources } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import type { Limit } from '../limit.ts';
import { memoryAndSwapLimit, memoryLimit, memoryReservation, sameMemory } from '../memory-size.ts';

/** kernel: admin-guide/cgroup-v2.rst. The limits are independent of each other. */
export const memory: Controller = {
  name: 'memory',
  limits(resources) {
    return [
      memoryFile('memory.low', memoryReservation(resources), '0', 'mem_reservation'),
      memoryFile('memory.max', memoryLimit(resources), 'max', 'mem_limit'),
      memoryFile(
        'memory.swap.max',
        swapLimit(resources),
        'max',
        resources.memorySwapBytes === undefined ? undefined : 'memswap_limit',
      ),
      ...(resources.oomKillDisable === true ? [onlyV1('memory.oom_control', 'oom_kill_disable')] : []),
      ...(resources.memorySwappiness === undefined ? [] : [onlyV1('memory.swappiness', 'mem_swappiness')]),
    ];
  },
  // The file is there where the kernel has swap; the root, which we could look at, never has it.
  supports: (file, facts) => !ONLY_V1.includes(file) && (file !== 'memory.swap.max' || facts.exists('/proc/swaps')),
};

const ONLY_V1: readonly string[] = ['memory.oom_control', 'memory.swappiness'];

function onlyV1(file: string, askedBy: string): Limit {
  return { file, data: '', isInitial: true, askedBy };
}

/** v2 counts swap alone where v1 and Compose count memory and swap together. */
function swapLimit(resources: Resources): number | undefined {
  const both = memoryAndSwapLimit(resources);
  return both === undefined ? undefined : Math.max(0, both - (memoryLimit(resources) ?? 0));
}

function memoryFile(file: string, bytes: number | undefined, none: string, askedBy: string | undefined): Limit {
  return {
    file,
    data: bytes === undefined ? none : String(bytes),
    isInitial: bytes === undefined,
    ...(bytes !== undefined && askedBy !== undefined && { askedBy }),
    matches: (shown) => (shown.trim() === none ? bytes === undefined : sameMemory(shown, bytes)),
  };
}

/** The counter `oom_kill` of memory.events: with those in cgroups below. */
export function parseOomKills(events: string | undefined): number {
  return Number(/^oom_kill (\d+)$/m.exec(events ?? '')?.[1] ?? 0);
}
