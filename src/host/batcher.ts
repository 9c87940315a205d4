import { setTimeout as sleep } from 'node:timers/promises';

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Outcome of one item of a batch: undefined when it worked. */
export type BatchOutcome = Error | undefined;

export interface BatcherOptions {
  /** Called whenever nothing runs that is waited for, and nothing waits any more. */
  readonly onIdle?: () => void;
  /** How long the next batch waits for the one before. It waits for its end where nothing is said. */
  readonly patienceMs?: number;
}

/**
 * Joins what several steps ask for at the same time into one run of a program. While a batch runs, what comes in
 * waits for the next one. Invariant: one run at a time unless patience is at an end, items in the order in which they came.
 */
export class Batcher<Item> {
  readonly #run: (items: readonly Item[]) => Promise<readonly BatchOutcome[]>;
  readonly #options: BatcherOptions;
  #waiting: Waiting<Item>[] = [];
  #running = false;

  /** `run` gives one outcome per item; if it throws, every item of the batch fails with that. */
  constructor(run: (items: readonly Item[]) => Promise<readonly BatchOutcome[]>, options: BatcherOptions = {}) {
    this.#run = run;
    this.#options = options;
  }

  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) {
        this.#running = true;
        setImmediate(() => void this.#drain());
      }
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const settled = this.#settle(batch);
      const { patienceMs } = this.#options;
      await (patienceMs === undefined
        ? settled
        : Promise.race([settled, sleep(patienceMs, undefined, { ref: false })]));
    }
    this.#running = false;
    this.#options.onIdle?.();
  }

  async #settle(batch: readonly Waiting<Item>[]): Promise<void> {
    try {
      const outcomes = await this.#run(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) resolve();
        else reject(outcome);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
