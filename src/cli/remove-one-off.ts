import type { ContainerSummary, RemoveRequest } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import { fromReport } from './client.ts';
import type { Context } from './command.ts';
import { uniqueName } from './unique-name.ts';

/**
 * Removes what `run --rm` made, with its anonymous volumes. Gone already is fine. `whenEnded`: the daemon does so by
 * itself as soon as it has ended.
 */
export async function removeOneOff(
  context: Context,
  { stack, service }: ContainerSummary,
  whenEnded = false,
): Promise<void> {
  const request: RemoveRequest = {
    selector: { stack },
    requestId: uniqueName(),
    services: [service],
    stop: true,
    removeVolumes: true,
    whenEnded,
  };
  try {
    for await (const event of context.client.progress('/v1/rm', request)) {
      if (event.type === 'failed') throw fromReport(event.error);
    }
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'not-found') throw error;
  }
}
