import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerSummary } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';

/** What a shell says where the status is unknown: the supervising process was killed. */
const UNKNOWN_STATUS = 255;

/**
 * The exit status of a container's run that began after `sinceMs`, when it has ended. Events are kept in the records, so
 * the end is known to the next daemon where one has died, and also when the container is gone.
 */
export async function untilEnded(
  context: Context,
  { stack, service, index }: ContainerSummary,
  sinceMs: number,
  signal: AbortSignal,
): Promise<number> {
  const mine = `service.${service}[${index}]`;
  while (!signal.aborted) {
    for await (const { address, event, exitCode } of context.client.events(stack, sinceMs, signal)) {
      if (address !== mine) continue;
      if (event === 'exit' || event === 'remove') return exitCode ?? UNKNOWN_STATUS;
    }
    // The daemon has ended: the next question starts one that knows. One that ends again and again is not asked busily.
    if (!signal.aborted) await wait(100);
  }
  throw new TsstackError('cancelled', 'Cancelled');
}
