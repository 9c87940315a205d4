import { parseProcessStat } from '../host/process.ts';
import { type ContainerKey, machineName, parseMachineName } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { Engine } from './engine.ts';
import { remove } from './remove.ts';

/**
 * Removes the one-offs of a stack that were to go when they end (`run --rm`) and do not run, with their anonymous
 * volumes: at an end that the daemon sees, and when one takes over what ended or was never started under an earlier one.
 * Which of them run is looked at when it is this stack's turn: one that is just being started has not ended.
 */
export async function removeEndedOneOffs(engine: Engine, stack: string): Promise<void> {
  const services = engine.machine.records
    .containersOf(stack)
    .filter(({ key, spec }) => spec.oneOff?.remove === true && !isHeld(engine, key))
    .map(({ key }) => key.service);
  if (services.length === 0) return;
  const reporting = { signal: new AbortController().signal, progress: () => undefined };
  try {
    await engine.whileBusy(() => remove(engine, stack, { services, stop: false, removeVolumes: true }, reporting));
  } catch (error) {
    // Somebody was faster.
    if (!(error instanceof TsstackError) || error.code !== 'not-found') throw error;
  }
}

/** Leaves a one-off to a client, until that has ended. */
export function hold(engine: Engine, key: ContainerKey, client: number): void {
  const stat = parseProcessStat(engine.machine.host.readText(`/proc/${client}/stat`) ?? '');
  if (stat !== undefined) engine.holders.set(machineName(key), stat);
}

function isHeld(engine: Engine, key: ContainerKey): boolean {
  const holder = engine.holders.get(machineName(key));
  if (holder === undefined) return false;
  const now = parseProcessStat(engine.machine.host.readText(`/proc/${holder.pid}/stat`) ?? '');
  if (now?.startTime === holder.startTime && now.state !== 'Z') return true;
  engine.holders.delete(machineName(key));
  return false;
}

/** Does so from now on, and for what there is already. */
export function keepRemovingOneOffs(engine: Engine): void {
  const removeAll = async (stack: string): Promise<void> => {
    try {
      await removeEndedOneOffs(engine, stack);
    } catch (error) {
      process.stderr.write(`Cannot remove a one-off: ${String(error)}\n`);
    }
  };
  engine.events.on(({ event, stack }) => void (event === 'exit' && removeAll(stack)));
  const stacks = new Set(engine.machine.records.containers.all().map(({ key }) => key.stack));
  for (const stack of stacks) void removeAll(stack);
}

/** Those whose client was killed before it had removed them. */
export function removeAbandoned(engine: Engine): void {
  const keys = [...engine.holders.keys()].flatMap((name) => parseMachineName(name) ?? []);
  for (const key of keys) if (!isHeld(engine, key)) void removeEndedOneOffs(engine, key.stack).catch(() => undefined);
}
