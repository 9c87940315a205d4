import type { MachineContext } from '../executor/context.ts';
import { recordStart, startOperations } from '../executor/start.ts';
import type { ContainerRecord } from '../store/records.ts';
import { emitFor } from './record-end.ts';

/** Starts a container that has ended again, and tells why and how often that was. Gives whether it runs. */
export async function relaunch(context: MachineContext, { key, spec, ending }: ContainerRecord): Promise<boolean> {
  recordStart(context, key, 'policy');
  const restarts = context.records.container(key)?.restarts ?? 0;
  const cause = ending === undefined ? [] : ['it was unhealthy'];
  const tell = (words: readonly string[]): void =>
    emitFor(context, { key }, { event: 'restart', restarts, ...(words.length > 0 && { detail: words.join(': ') }) });
  try {
    await context.serving?.update();
    await context.host.perform(await startOperations(context, spec));
    tell(cause);
    return true;
  } catch (error) {
    tell([...cause, error instanceof Error ? error.message : String(error)]);
    return false;
  }
}
