import type { ServedRelay } from '../../model/served.ts';

/** One published port that a process relays. */
export interface Relay {
  /** New connections and flows lead there; those that there are stay where they began. */
  target: ServedRelay['target'];
  /** Gives why it could not listen (`EADDRINUSE`, …); it can be tried again, and does nothing where it listens. */
  open(): Promise<string | undefined>;
  /** Ends what it carries, too. Can be called twice. */
  close(): void;
}

export function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
