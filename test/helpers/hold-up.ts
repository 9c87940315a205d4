/**
 * This thread does nothing else for so long, as one does that is stopped or waits for the kernel. It begins where timers
 * are next, and not what has been read.
 */
export async function holdUp(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
