import type { CopyAnswer, CopyContainer, CopyRequest } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { fromReport } from '../client.ts';
import { type Context, EXIT } from '../command.ts';

/**
 * Asks for containers and keeps those that do not run from being started while `use` copies. Should the daemon end
 * meanwhile, so do we, at once: it is no longer there to keep them.
 */
export async function withContainers<Result>(
  context: Context,
  request: CopyRequest,
  use: (containers: readonly CopyContainer[]) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const answers = context.client.follow<CopyAnswer>('/v1/copy', request, controller.signal);
  const first = await answers.next();
  const answer: CopyAnswer | undefined = first.done === true ? undefined : first.value;
  if (answer === undefined) throw new TsstackError('daemon-unreachable', 'The daemon ended before it had answered');
  const lost = (): void => {
    if (controller.signal.aborted) return;
    context.err.write('The daemon has ended; what was copied until now is there\n');
    process.exit(EXIT.failed);
  };
  const over = answers.next().then(lost, lost);
  try {
    if ('error' in answer) throw fromReport(answer.error);
    return await use(answer.containers);
  } finally {
    controller.abort();
    await over;
  }
}
