import type { Host } from '../host/host.ts';
import { livingProcess, type ProcessStat } from '../host/process.ts';
import { type ContainerPaths, containerPaths, type Paths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';

/** Is the container's pid 1 there? The files of its launch chain say who it is, /proc says whether it still is. */
export type Liveness =
  | { readonly state: 'never-started' }
  /** `process` is absent in the moment before pid 1 has written who it is, and after its end until the chain says so. */
  | { readonly state: 'running'; readonly process?: ProcessStat }
  /** `exitCode` is absent when it was lost: the chain was killed, or the machine went down. */
  | { readonly state: 'ended'; readonly exitCode?: number; readonly finishedAtMs?: number };

export function liveness(host: Host, paths: Paths, record: ContainerRecord, bootId: string): Liveness {
  if (record.run === 0) return { state: 'never-started' };
  const files = containerPaths(paths, record.key);
  const exit = readExit(host, files, record.run);
  if (exit !== undefined) return { state: 'ended', ...exit };
  if (record.bootId !== bootId) return { state: 'ended' };
  const init = livingProcess(host, files.init);
  if (init !== undefined) return { state: 'running', process: init };
  if (livingProcess(host, files.chain) !== undefined) return { state: 'running' };
  // The chain may have written the status between our two looks.
  return { state: 'ended', ...readExit(host, files, record.run) };
}

/** The exit file's `<run> <status>`; undefined while it is missing, unfinished, or of an earlier run. */
function readExit(
  host: Host,
  files: ContainerPaths,
  run: number,
): { readonly exitCode: number; readonly finishedAtMs: number } | undefined {
  // Of most containers there is none, and to fail to open it would cost more than this look.
  const stat = host.stat(files.exit);
  if (stat === undefined) return undefined;
  const match = /^([0-9]+) ([0-9]+)\n$/.exec(host.readText(files.exit) ?? '');
  if (match === null || Number(match[1]) !== run) return undefined;
  return { exitCode: Number(match[2]), finishedAtMs: stat.modifiedMs };
}

export function readBootId(host: Host): string {
  return (host.readText('/proc/sys/kernel/random/boot_id') ?? '').trim();
}
