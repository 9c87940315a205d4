import type { UpRequest, UpResult } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import { askYes, canAsk } from './ask-yes.ts';
import type { Context } from './command.ts';
import { streamRequest } from './stream-request.ts';

interface UpView {
  readonly onEvent: (event: ProgressEvent) => void;
  readonly quiet?: boolean;
  /** Not shown. Absent: none. */
  readonly hidden?: readonly ProgressEvent['type'][];
}

/**
 * Asks the daemon for an `up`. Where nothing but volumes stands in the way that would have to be made again without their
 * data, a user at a terminal is asked whether that may be.
 */
export async function requestUp(
  context: Context,
  request: Omit<UpRequest, 'requestId'>,
  { onEvent, quiet = false, hidden = [] }: UpView,
): Promise<UpResult> {
  let seen: Plan | undefined;
  const send = (body: Omit<UpRequest, 'requestId'>): Promise<UpResult> =>
    streamRequest<UpResult>(context, {
      path: '/v1/up',
      body,
      quiet,
      hidden,
      onEvent: (event) => {
        if (event.type === 'plan') seen = event.plan;
        onEvent(event);
      },
    });
  try {
    return await send(request);
  } catch (error) {
    const names = lossyOnly(error, seen);
    if (names.length === 0 || context.format === 'json' || context.globals['dry-run'] || !canAsk(context)) throw error;
    const what = `This makes ${names.join(', ')} again, and all data in ${names.length === 1 ? 'it' : 'them'} is lost`;
    if (!(await askYes(context, what))) throw error;
  }
  return send({ ...request, recreateVolumes: true });
}

/** Volumes that are all that stands in the way. */
function lossyOnly(error: unknown, plan: Plan | undefined): readonly string[] {
  const { lossyVolumes = [], conflicts = [] } = plan ?? {};
  const refused = error instanceof TsstackError && error.code === 'conflict';
  return refused && conflicts.length === lossyVolumes.length ? lossyVolumes : [];
}
