import { describeImage, imageKey } from '../image/image.ts';
import type { ContainerImage } from '../model/image.ts';
import type { ImageSource } from '../model/stack.ts';
import { listContainers } from './containers.ts';
import { diskUsage } from './disk-usage.ts';
import type { Engine } from './engine.ts';

/** The image of each container of a stack, of those that do not run as well. `services`: only theirs; empty: all. */
export async function listImages(
  engine: Engine,
  stack: string,
  services: readonly string[],
): Promise<readonly ContainerImage[]> {
  const sizes = new Map<string, Promise<number | undefined>>();
  const views = listContainers(engine, stack, services);
  return Promise.all(
    views.map(async ({ record: { key, spec } }) => {
      const { source, id } = spec.image;
      const { about, directories } = describeImage(engine.machine, source, id);
      const size =
        sizes.get(id) ?? (directories.length === 0 ? undefined : diskUsage(engine.machine.host, directories));
      if (size !== undefined) sizes.set(id, size);
      const sizeBytes = await size;
      return {
        container: spec.name,
        service: key.service,
        ...nameOf(source),
        ...about,
        id,
        ...(sizeBytes !== undefined && { sizeBytes }),
      };
    }),
  );
}

function nameOf(source: ImageSource): Pick<ContainerImage, 'repository' | 'tag'> {
  const tag = 'tag' in source ? source.tag : undefined;
  if (tag === undefined) return { repository: source.type === 'rootfs' ? source.path : imageKey(source) };
  return { repository: imageKey(source).slice(0, -`:${tag}`.length), tag };
}
