/** Time in which what has happened while this process itself was held up is read. */
const LOOK_MS = 50;

/**
 * Calls back after `ms` milliseconds; the function that it gives takes that back. A timer that is late is called before
 * anything is read: whoever was stopped, or waited for the kernel, would take what answered long ago for silent.
 */
export function deadline(ms: number, action: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(action, LOOK_MS);
  }, ms);
  return () => clearTimeout(timer);
}
