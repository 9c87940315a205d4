import type { ContainerProcesses, TopRequest } from '../../daemon/api.ts';
import { table } from '../../lib/table.ts';
import type { ContainerProcess } from '../../model/processes.ts';
import { defineCommand, EXIT } from '../command.ts';
import { stackSelector } from '../stack-request.ts';

const HEAD = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'];
const DAY_MS = 86_400_000;

/** `tsstack top`. */
export const command = defineCommand({
  name: 'top',
  summary: 'Show the processes of containers, with their ids on the host',
  operands: '[SERVICE…]',
  options: {},
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack top', does: 'all; no image needs a tool for it' },
    { command: 'tsstack top web --format json', does: 'one service, for scripts' },
  ],
  run: async (context, { operands }) => {
    const request: TopRequest = { selector: stackSelector(context), services: operands };
    const containers = await context.client.post<readonly ContainerProcesses[]>('/v1/top', request);
    if (context.format === 'json') context.out.write(`${JSON.stringify(containers, undefined, 2)}\n`);
    else context.out.write(containers.map((each) => render(each, Date.now())).join('\n'));
    return EXIT.done;
  },
});

/** The container's name over the columns of `ps -f`. */
function render({ name, processes }: ContainerProcesses, nowMs: number): string {
  return `${name}\n${table(
    HEAD,
    processes.map((process) => cells(process, nowMs)),
  )}`;
}

function cells({ user, pid, ppid, cpuPercent, startedAtMs, tty, cpuMs, command: text }: ContainerProcess, now: number) {
  const since = startText(startedAtMs, now);
  return [user, String(pid), String(ppid), String(cpuPercent), since, tty ?? '?', cpuText(cpuMs), text];
}

/** `13:07`, or the day where it is another one: `2026-11-20`. */
function startText(startedAtMs: number, nowMs: number): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = new Date(startedAtMs);
  if (nowMs - startedAtMs < DAY_MS) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `00:01:02`. */
function cpuText(cpuMs: number): string {
  const seconds = Math.floor(cpuMs / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
