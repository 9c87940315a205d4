import type { ContainerStatus } from '../model/observed.ts';
import { observeContainer } from '../observe/container.ts';
import type { Engine } from './engine.ts';

/** Every stack that has a container, a network, or was brought up. */
export function listStacks(
  engine: Engine,
): readonly { name: string; files: readonly string[]; statuses: Partial<Record<ContainerStatus, number>> }[] {
  const { records } = engine.machine;
  const names = new Set([
    ...records.stacks.all().map(({ name }) => name),
    ...records.containers.all().map(({ key }) => key.stack),
    ...records.networks.all().flatMap(({ stack }) => (stack === '' ? [] : stack)),
  ]);
  return [...names].sort().map((name) => {
    const statuses: Partial<Record<ContainerStatus, number>> = {};
    for (const record of records.containersOf(name)) {
      const { status } = observeContainer(engine.observer, record);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return { name, files: records.stacks.get(name)?.files ?? [], statuses };
  });
}
