/** Milliseconds. A timer that is longer ends at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
