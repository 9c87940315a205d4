import { setTimeout as sleep } from 'node:timers/promises';
import { TsstackError } from '../../model/error.ts';

/** How long we wait for a registry, and how often we ask. Milliseconds. */
export interface Timing {
  /** For a connection with its TLS. */
  readonly connectMs: number;
  /** Without a byte, in either direction. */
  readonly silenceMs: number;
  readonly attempts: number;
  /** Before the second attempt, about; doubled for each one after. */
  readonly backOffMs: number;
  readonly mostBackOffMs: number;
  /** A registry that wants a longer pause is not asked again. */
  readonly mostRetryAfterMs: number;
}

export const DEFAULT_TIMING: Timing = {
  connectMs: 15_000,
  silenceMs: 60_000,
  attempts: 5,
  backOffMs: 500,
  mostBackOffMs: 10_000,
  mostRetryAfterMs: 60_000,
};

/** Thrown for what may go better the next time; `reason` is what the user sees when it does not. */
export class Again extends Error {
  readonly reason: TsstackError;
  /** What the peer asks for. */
  readonly afterMs: number | undefined;
  /** Attempts that it counts for: after a minute of silence there are not four more. */
  readonly weight: number;

  constructor(reason: TsstackError, options: { readonly afterMs?: number | undefined; readonly weight?: number } = {}) {
    super(reason.message);
    this.reason = reason;
    this.afterMs = options.afterMs;
    this.weight = options.weight ?? 1;
  }
}

/** Counts attempts at one thing. */
export class Attempts {
  readonly #timing: Timing;
  readonly #signal: AbortSignal;
  #spent = 0;

  constructor(timing: Timing, signal: AbortSignal) {
    this.#timing = timing;
    this.#signal = signal;
  }

  /** Something was achieved: the count begins anew. */
  reset(): void {
    this.#spent = 0;
  }

  /** Waits until the next attempt is due. Throws what cannot be mended by one, or when there were enough. */
  async pause(error: unknown): Promise<void> {
    if (!(error instanceof Again)) throw error;
    const doublings = this.#spent;
    this.#spent += error.weight;
    const { attempts, backOffMs, mostBackOffMs, mostRetryAfterMs } = this.#timing;
    if (this.#spent >= attempts || (error.afterMs ?? 0) > mostRetryAfterMs) throw error.reason;
    // Half of it by chance, so that those who failed together do not come back together.
    const backOff = Math.min(backOffMs * 2 ** doublings, mostBackOffMs) * (0.5 + Math.random() / 2);
    try {
      await sleep(Math.max(backOff, error.afterMs ?? 0), undefined, { signal: this.#signal });
    } catch {
      throw new TsstackError('cancelled', 'the transfer was cancelled');
    }
  }
}

/** Does it until it succeeds, or fails in a way that another attempt would not mend. */
export async function retrying<Result>(attempts: Attempts, body: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await body();
    } catch (error) {
      await attempts.pause(error);
    }
  }
}
