/** Tells whoever waits that something changed. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** Calls back at every change until the returned function is called. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves at the next change; rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const off = this.on(() => {
        off();
        signal.removeEventListener('abort', aborted);
        resolve();
      });
      const aborted = (): void => {
        off();
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      if (signal.aborted) aborted();
      else signal.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Waits until the condition holds, looking at every change; false when the time is over before. */
  async until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const timeout = AbortSignal.timeout(timeoutMs);
    while (!condition()) {
      if (timeout.aborted) return false;
      await this.next(timeout).catch(() => undefined);
    }
    return true;
  }
}
