import { constants } from 'node:os';
import type { Host } from '../host/host.ts';
import { TsstackError } from '../model/error.ts';

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3` → number. */
export function signalNumber(name: string): number {
  if (/^[0-9]+$/.test(name)) return Number(name);
  const upper = name.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const realtime = /^SIGRTMIN(?:\+([0-9]+))?$/.exec(upper);
  // glibc keeps the first two real-time signals for itself: SIGRTMIN is 34.
  if (realtime !== null) return 34 + Number(realtime[1] ?? 0);
  const number = Object.entries(constants.signals).find(([known]) => known === upper)?.[1];
  if (number === undefined) throw new TsstackError('usage', `There is no signal "${name}"`);
  return number;
}

/**
 * Would pid 1 of a container see this signal? The kernel drops what the first process of a pid namespace has no
 * handler for (pid_namespaces(7)), so waiting for its effect would be waiting for nothing. A blocked signal counts as
 * handled: sigwait(3) and signalfd(2) take it from there, as tini does.
 */
export function reachesInit(host: Host, pid: number, signal: number): boolean {
  const status = host.readText(`/proc/${pid}/status`) ?? '';
  const bit = 1n << BigInt(signal - 1);
  return ['SigCgt', 'SigBlk'].some((field) => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & bit) !== 0n;
  });
}
