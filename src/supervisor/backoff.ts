/** Docker's restart manager: 100 ms, doubled up to a minute; a run of 10 s or more was a good one. Ours begins at once. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
const GOOD_RUN_MS = 10_000;

/** Counts restarts of one container and says how long to wait before the next. */
export class Backoff {
  #attempts = 0;

  /** `ranMs`: how long the run that just ended lasted. */
  nextDelayMs(ranMs: number): number {
    if (ranMs >= GOOD_RUN_MS) this.#attempts = 0;
    const attempt = this.#attempts;
    this.#attempts += 1;
    return attempt === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
  }
}
