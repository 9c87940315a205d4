import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../host/host.ts';
import { parseSignal } from '../lib/signal-number.ts';
import { TsstackError } from '../model/error.ts';

/** As `parseSignal()`. Throws `usage` for what is no signal. */
export function signalNumber(name: string): number {
  const number = parseSignal(name);
  if (number === undefined) throw new TsstackError('usage', `There is no signal "${name}"`);
  return number;
}

/** A shell blocks every signal while it forks: for less than this. */
const LOOK_AGAIN_MS = 10;
const LOOKS = 4;

/**
 * Would pid 1 of a container see this signal? The kernel drops what the first process of a pid namespace has no
 * handler for (pid_namespaces(7)), so waiting for its effect would be waiting for nothing. A blocked signal counts as
 * handled when it stays blocked: sigwait(3) and signalfd(2) take it from there, as tini does. While a process is in
 * sigwait the kernel shows what it waits for as not blocked (`real_blocked` in kernel/signal.c is shown nowhere), so being
 * there is enough.
 */
export async function reachesInit(host: Host, pid: number, signal: number): Promise<boolean> {
  for (let look = 1; ; look += 1) {
    const found = wayTo(host, pid, signal);
    if (found !== 'blocked' || look === LOOKS) return found !== 'none';
    await sleep(LOOK_AGAIN_MS);
  }
}

function wayTo(host: Host, pid: number, signal: number): 'caught' | 'blocked' | 'none' {
  if (host.readText(`/proc/${pid}/wchan`)?.startsWith('do_sigtimedwait') === true) return 'caught';
  const status = host.readText(`/proc/${pid}/status`) ?? '';
  const bit = 1n << BigInt(signal - 1);
  const isIn = (field: string): boolean => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & bit) !== 0n;
  };
  if (isIn('SigCgt')) return 'caught';
  return isIn('SigBlk') ? 'blocked' : 'none';
}
