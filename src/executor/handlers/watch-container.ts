import { setTimeout as sleep } from 'node:timers/promises';
import type { Handler } from '../handler.ts';

export const watchContainerHandler: Handler<'watch-container'> = {
  async before({ spec, monitorMs }, { control }, run) {
    run.waiting(monitorMs > 0 ? `it to be ready, and ${monitorMs / 1000} s longer` : 'it to be ready');
    await control.settle(spec.key, monitorMs, run.signal);
  },
  operations: () => [],
};

export const nextBatchHandler: Handler<'next-batch'> = {
  async before({ delayMs }, _context, run) {
    if (delayMs === 0) return;
    run.waiting(`${delayMs / 1000} s between two batches`);
    await sleep(delayMs, undefined, { signal: run.signal });
  },
  operations: () => [],
};
