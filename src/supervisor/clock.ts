import { setTimeout as wait } from 'node:timers/promises';

/** Time as a monitor sees it. */
export interface Clock {
  /** Milliseconds from some moment on; never goes back. */
  now(): number;
  /** Returns after so many milliseconds, or when the signal comes. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, { signal, ref: false }).catch(() => undefined),
};
