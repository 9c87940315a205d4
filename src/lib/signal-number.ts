import { constants } from 'node:os';

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3` → number; undefined for what is no signal. */
export function parseSignal(name: string): number | undefined {
  if (/^[0-9]+$/.test(name)) return Number(name) >= 1 && Number(name) <= 64 ? Number(name) : undefined;
  const upper = name.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const realtime = /^SIGRTMIN(?:\+([0-9]+))?$/.exec(upper);
  // glibc keeps the first two real-time signals for itself: SIGRTMIN is 34.
  if (realtime !== null) return 34 + Number(realtime[1] ?? 0);
  return Object.entries(constants.signals).find(([known]) => known === upper)?.[1];
}
