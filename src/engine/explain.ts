import { prepareLaunch } from '../executor/start.ts';
import { rootFilesystem } from '../image/image.ts';
import { parseListing } from '../lib/launch-report.ts';
import type { LaunchExplanation } from '../model/explanation.ts';
import { listContainers } from './containers.ts';
import type { Engine } from './engine.ts';

/**
 * How containers are started the next time, as they are recorded and with what the machine has now. Throws what starting
 * them would throw.
 */
export async function explainLaunches(
  engine: Engine,
  stack: string,
  services: readonly string[],
): Promise<readonly LaunchExplanation[]> {
  const views = listContainers(engine, stack, services);
  return await Promise.all(
    views.map(async ({ record: { key, spec } }) => {
      const rootfs = await rootFilesystem(engine.machine, spec.image.source, spec.image.id);
      const { listing } = prepareLaunch(engine.machine, spec, rootfs);
      return { name: spec.name, service: key.service, index: key.index, steps: parseListing(listing) };
    }),
  );
}
