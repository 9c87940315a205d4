import { readWholeFile } from './files.ts';
import type { Host } from './host.ts';

/** One line of /proc/PID/stat, the fields that identify a process. */
export interface ProcessStat {
  readonly pid: number;
  /** R, S, D, Z (ended, not yet waited for), T, … */
  readonly state: string;
  readonly parentPid: number;
  /** Clock ticks since boot; together with the pid unique as long as the machine is up. */
  readonly startTime: string;
}

/** proc_pid_stat(5). The name in parentheses may hold blanks and parentheses; fields count from its end. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const match = /^([0-9]+) \(.*\) (.*)$/s.exec(text.trim());
  if (match === null) return undefined;
  const fields = (match[2] ?? '').split(' ');
  const startTime = fields[19];
  if (startTime === undefined) return undefined;
  return { pid: Number(match[1]), state: fields[0] ?? '', parentPid: Number(fields[1]), startTime };
}

/** The process that a stat file was written by, if it lives: same pid and same start time, not a zombie. */
export function livingProcess(host: Pick<Host, 'readText'>, statFile: string): ProcessStat | undefined {
  const written = parseProcessStat(host.readText(statFile) ?? '');
  if (written === undefined) return undefined;
  const now = parseProcessStat(host.readText(`/proc/${written.pid}/stat`) ?? '');
  if (now === undefined || now.startTime !== written.startTime || now.state === 'Z' || now.state === 'X')
    return undefined;
  return now;
}

/** Sends a signal if the process still is the one that was meant. One that has ended is fine. */
export function signalProcess(pid: number, startTime: string, signal: number): void {
  const bytes = readWholeFile(`/proc/${pid}/stat`);
  const stat = bytes === undefined ? undefined : parseProcessStat(new TextDecoder().decode(bytes));
  if (stat === undefined || stat.startTime !== startTime || stat.state === 'Z') return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
