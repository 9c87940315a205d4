/** Docker's restart manager: 100 ms, doubled up to a minute; a run of 10 s or more was a good one. Ours begins at once. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
const GOOD_RUN_MS = 10_000;

/** Time before the next restart after `attempts` restarts in a row that led to no good run. */
export function backoffMs(attempts: number): number {
  return attempts === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS);
}

export function isGoodRun(ranMs: number): boolean {
  return ranMs >= GOOD_RUN_MS;
}
