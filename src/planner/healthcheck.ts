import type { Healthcheck } from '../model/stack.ts';

/** Docker's defaults (Compose specification, `healthcheck`). */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 5_000 };

/** What the service says, then what its image says, each key by itself as in Docker. Absent: nothing is asked. */
export function healthcheckOf(
  own: Partial<Healthcheck> | undefined,
  image: Partial<Healthcheck> | undefined,
): Healthcheck | undefined {
  // What is looked for from outside has nothing to do with the image's command.
  const merged = { ...DEFAULTS, test: [], ...(own?.ready === undefined && image), ...own };
  return merged.test.length === 0 && merged.ready === undefined ? undefined : merged;
}
