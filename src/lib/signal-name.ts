import { constants } from 'node:os';

/** First real-time signal: glibc keeps two of the kernel's for itself. */
const SIGRTMIN = 34;
const LAST_SIGNAL = 64;

/** `SIGKILL` for 137: the signal that an exit status tells of (128 and its number); undefined for any other status. */
export function endingSignal(exitCode: number | undefined): string | undefined {
  const number = (exitCode ?? 0) - 128;
  if (number < 1 || number > LAST_SIGNAL) return undefined;
  // Two names of one number (SIGIOT, SIGPOLL): the usual one stands first in signal(7).
  const known = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  if (known !== undefined) return known;
  if (number < SIGRTMIN) return `signal ${number}`;
  return number === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - SIGRTMIN}`;
}
