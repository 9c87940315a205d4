import { observeContainer } from '../observe/container.ts';
import type { Engine } from './engine.ts';

/** Every stack that has a container, a network, or was brought up. */
export function listStacks(
  engine: Engine,
): readonly { name: string; files: readonly string[]; running: number; total: number }[] {
  const { records } = engine.machine;
  const names = new Set([
    ...records.stacks.all().map(({ name }) => name),
    ...records.containers.all().map(({ key }) => key.stack),
    ...records.networks.all().map(({ stack }) => stack),
  ]);
  return [...names].sort().map((name) => {
    const containers = records.containersOf(name);
    const running = containers.filter(
      (record) => observeContainer(engine.observer, record).status === 'running',
    ).length;
    return { name, files: records.stacks.get(name)?.files ?? [], running, total: containers.length };
  });
}
