import type { RunResult } from '../daemon/run-api.ts';
import { type Context, EXIT } from './command.ts';
import { takePart } from './container-streams.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from './detach-keys.ts';
import { removeOneOff } from './remove-one-off.ts';

interface Following {
  /** Before it was asked for, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Pass our standard input on. */
  readonly input: boolean;
  /** Remove it when it has ended. */
  readonly remove: boolean;
}

/** Takes part in a container that `run` has made until it ends, or the keys for leaving it were typed; the exit status. */
export async function followOneOff(
  context: Context,
  started: RunResult,
  { sinceMs, input, remove }: Following,
): Promise<number> {
  let removed: Promise<boolean> | undefined;
  const status = await takePart(context, started, {
    from: 0,
    sinceMs,
    input,
    signals: true,
    detachKeys: parseDetachKeys(DEFAULT_DETACH_KEYS),
    opened: () => {
      if (remove && started.wholeLog) removed = isRemovedAtEnd(context, started);
    },
  });
  if (status === 'detached') return EXIT.done;
  if (remove && (await removed) !== true) await removeOneOff(context, started.container);
  return status;
}

/** false: that daemon has ended, or could not; it is to be asked again, or another one. */
function isRemovedAtEnd(context: Context, { container }: RunResult): Promise<boolean> {
  return removeOneOff(context, container, true).then(
    () => true,
    () => false,
  );
}
