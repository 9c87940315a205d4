import { totalmem } from 'node:os';
import type { ContainerSummary } from '../../daemon/api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { table } from '../../lib/table.ts';
import type { Pressure } from '../../model/observed.ts';

interface Named {
  readonly name: string;
  readonly service: string;
  readonly index: number;
}

/** Without numbers: it does not run. */
export type ContainerStats = Named & Partial<UsedStats>;

/** Containers with their usage, as they were at one time of a clock that only goes forward. */
export interface Sample {
  readonly atMs: number;
  readonly containers: readonly ContainerSummary[];
}

/** What a container uses. */
interface UsedStats extends Named {
  /** 100 is one CPU; 0 for one that was not there before. */
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  /** Its limit, or what the machine has. */
  readonly memoryLimitBytes: number;
  readonly memoryPercent: number;
  /** Since the container was made. */
  readonly ioReadBytes: number;
  readonly ioWriteBytes: number;
  readonly pids: number;
  /** Since the container was started; absent without a network of its own. */
  readonly networkRxBytes?: number;
  readonly networkTxBytes?: number;
  /** Percent of the last ten seconds; absent where the kernel does not tell. */
  readonly pressure?: Pressure;
}

/** From two looks: the CPU time is that between them. */
export function statsOf(before: Sample, now: Sample, machineBytes = totalmem()): readonly ContainerStats[] {
  const earlier = new Map(before.containers.map(({ name, usage }) => [name, usage?.cpuUsec ?? 0]));
  const passedUsec = (now.atMs - before.atMs) * 1000;
  return now.containers.map(({ name, service, index, usage, traffic }) => {
    if (usage === undefined) return { name, service, index };
    const { cpuUsec, memoryBytes, ioReadBytes, ioWriteBytes, pids, limits, pressure } = usage;
    // A container that was made anew begins at nothing.
    const usedUsec = Math.max(0, cpuUsec - (earlier.get(name) ?? cpuUsec));
    const memoryLimitBytes = Math.min(limits.memoryBytes ?? machineBytes, machineBytes);
    return {
      name,
      service,
      index,
      cpuPercent: passedUsec > 0 ? round((usedUsec / passedUsec) * 100) : 0,
      memoryBytes,
      memoryLimitBytes,
      memoryPercent: memoryLimitBytes > 0 ? round((memoryBytes / memoryLimitBytes) * 100) : 0,
      ioReadBytes,
      ioWriteBytes,
      pids,
      ...(traffic !== undefined && { networkRxBytes: traffic.rxBytes, networkTxBytes: traffic.txBytes }),
      ...(pressure !== undefined && { pressure }),
    };
  });
}

function round(percent: number): number {
  return Math.round(percent * 100) / 100;
}

/** The table of `stats`: Docker's columns, and pressure; `n/a` is what the kernel does not tell. */
export function renderStats(stats: readonly ContainerStats[]): string {
  const head = ['NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS', 'PRESSURE'];
  const rows = stats.map((each) => [each.name, ...(isUsed(each) ? usageCells(each) : head.slice(1).map(() => '-'))]);
  return table(head, rows);
}

function isUsed(stats: ContainerStats): stats is UsedStats {
  return stats.cpuPercent !== undefined;
}

function usageCells(each: UsedStats): string[] {
  return [
    `${each.cpuPercent.toFixed(2)}%`,
    `${formatBytes(each.memoryBytes)} / ${formatBytes(each.memoryLimitBytes)}`,
    `${each.memoryPercent.toFixed(2)}%`,
    networkText(each),
    `${formatBytes(each.ioReadBytes)} / ${formatBytes(each.ioWriteBytes)}`,
    String(each.pids),
    pressureText(each.pressure),
  ];
}

function networkText({ networkRxBytes, networkTxBytes }: UsedStats): string {
  if (networkRxBytes === undefined || networkTxBytes === undefined) return 'n/a';
  return `${formatBytes(networkRxBytes)} / ${formatBytes(networkTxBytes)}`;
}

/** Of CPU, memory and I/O. */
function pressureText(pressure: Pressure | undefined): string {
  if (pressure === undefined) return 'n/a';
  const parts = [pressure.cpu, pressure.memory, pressure.io];
  return parts.map((part) => (part === undefined ? 'n/a' : `${part.toFixed(2)}%`)).join(' / ');
}
