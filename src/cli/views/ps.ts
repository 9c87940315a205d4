import type { ContainerSummary } from '../../daemon/api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { table } from '../../lib/table.ts';
import type { PublishedPort } from '../../model/container.ts';
import type { Usage } from '../../model/observed.ts';
import { formatAge } from './format.ts';

const COMMAND_WIDTH = 24;

/** The table of `ps`: Compose's columns, and usage where a container's cgroup told it. */
export function renderContainers(
  containers: readonly ContainerSummary[],
  nowMs: number,
  { whole = false }: { /** Commands are not cut. */ readonly whole?: boolean } = {},
): string {
  const withUsage = containers.some(({ usage }) => usage !== undefined);
  const head = ['NAME', 'IMAGE', 'COMMAND', 'SERVICE', 'CREATED', 'STATUS'];
  const rows = containers.map((container) => [
    container.name,
    container.image,
    whole ? JSON.stringify(container.command) : shorten(container.command),
    container.oneOffOf ?? container.service,
    `${formatAge(nowMs - container.createdAtMs)} ago`,
    statusText(container, nowMs),
    ...(withUsage ? usageCells(container.usage) : []),
    container.status === 'running' ? container.ports.map(portText).join(', ') : '',
  ]);
  return table([...head, ...(withUsage ? ['CPU', 'MEM'] : []), 'PORTS'], rows);
}

/** `Up 5 seconds (healthy)`, `Up 5 seconds, shaped`, `Exited (137) OOM killed 3 seconds ago`, `Restarting (1) 2 seconds ago`, … */
export function statusText(container: ContainerSummary, nowMs: number): string {
  const { shaped, cut, detail } = container;
  const more = [...(shaped ? ['shaped'] : []), ...(cut ? ['cut off'] : []), ...(detail === undefined ? [] : [detail])];
  return [stateText(container, nowMs), ...more].join(', ');
}

function stateText(container: ContainerSummary, nowMs: number): string {
  const { status, health, startedAtMs, restarts } = container;
  const since = startedAtMs === undefined ? 'Up' : `Up ${formatAge(nowMs - startedAtMs)}`;
  const up = restarts === 0 ? since : `${since}, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
  switch (status) {
    case 'created':
      return 'Created';
    case 'running':
      return health === 'none' ? up : `${up} (${health === 'starting' ? 'health: starting' : health})`;
    case 'paused':
      return `${up} (Paused)`;
    case 'restarting':
      return `Restarting ${endText(container, nowMs)}`;
    case 'exited':
      return `Exited ${endText(container, nowMs)}`;
  }
}

function endText({ exitCode, oomKilled, finishedAtMs }: ContainerSummary, nowMs: number): string {
  const oom = oomKilled ? ' OOM killed' : '';
  const ago = finishedAtMs === undefined ? '' : ` ${formatAge(nowMs - finishedAtMs)} ago`;
  return `(${exitCode ?? '?'})${oom}${ago}`;
}

/** `0.0.0.0:8080->80/tcp`. */
export function portText({ hostIp, hostPort, containerPort, protocol }: PublishedPort): string {
  const address = hostIp ?? '0.0.0.0';
  return `${address.includes(':') ? `[${address}]` : address}:${hostPort}->${containerPort}/${protocol}`;
}

function usageCells(usage: Usage | undefined): string[] {
  if (usage === undefined) return ['', ''];
  const limit = usage.limits.memoryBytes;
  const memory = formatBytes(usage.memoryBytes);
  return [`${(usage.cpuUsec / 1e6).toFixed(2)}s`, limit === undefined ? memory : `${memory} / ${formatBytes(limit)}`];
}

/** Quoted and cut, as Compose shows it. */
function shorten(command: string): string {
  const flat = command.replace(/\s+/g, ' ');
  return JSON.stringify(flat.length > COMMAND_WIDTH ? `${flat.slice(0, COMMAND_WIDTH - 1)}…` : flat);
}
