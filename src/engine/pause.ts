import { containerAddress } from '../model/address.ts';
import { cgroupName } from '../store/paths.ts';
import { listContainers } from './containers.ts';
import type { Engine } from './engine.ts';

/**
 * Freezes the processes of the containers that run, and gives their names; what is paused already is left out. Whether
 * a container is paused is the kernel's to say (`Cgroups.frozen()`); the record knows whether a user wanted that.
 */
export function pause(
  engine: Engine,
  stack: string,
  services: readonly string[],
  dryRun = false,
): Promise<readonly string[]> {
  return setFrozen(engine, stack, services, { frozen: true, dryRun });
}

/** Lets the processes of paused containers go on, and gives their names. */
export function unpause(
  engine: Engine,
  stack: string,
  services: readonly string[],
  dryRun = false,
): Promise<readonly string[]> {
  return setFrozen(engine, stack, services, { frozen: false, dryRun });
}

function setFrozen(
  engine: Engine,
  stack: string,
  services: readonly string[],
  { frozen, dryRun }: { readonly frozen: boolean; readonly dryRun: boolean },
): Promise<readonly string[]> {
  const { host, cgroups, emit, records } = engine.machine;
  return engine.stacks.run(stack, async () => {
    // One that is just being launched has no pid 1 yet: frozen, it would never come to have one.
    const found = listContainers(engine, stack, services).filter(({ observed: { status, pid } }) =>
      frozen ? status === 'running' && pid !== undefined : status === 'paused',
    );
    for (const { record } of dryRun ? [] : found) {
      const { key } = record;
      const operations = cgroups.freeze(cgroupName(key), frozen);
      // Before it is done: a crash in between leaves nothing that looks as if somebody else had frozen it.
      records.updateContainer(key, { pausedByUser: frozen ? true : undefined });
      await host.perform(operations);
      emit({ stack, address: containerAddress(key.service, key.index), event: frozen ? 'pause' : 'unpause' });
    }
    engine.supervisor.changes.notify();
    return found.map(({ record }) => record.spec.name);
  });
}
