import { familiarName, parseReference } from '../image/content/reference.ts';
import { describeImage, imageName } from '../image/image.ts';
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
  if (source.type === 'reference') return referenceName(source.reference);
  const tag = 'tag' in source ? source.tag : undefined;
  if (tag === undefined) return { repository: source.type === 'rootfs' ? source.path : imageName(source) };
  return { repository: imageName(source).slice(0, -`:${tag}`.length), tag };
}

/** What was started by its id has no tag. */
function referenceName(text: string): Pick<ContainerImage, 'repository' | 'tag'> {
  try {
    const reference = parseReference(text);
    const name = familiarName(reference);
    return {
      repository: name.slice(0, name.search(/[:@][^/]*$/)),
      ...(reference.tag !== undefined && { tag: reference.tag }),
    };
  } catch {
    return { repository: text };
  }
}
