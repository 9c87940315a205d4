import { unneededBlobs, unneededLayers } from '../image/content/collect.ts';
import { listStored } from '../image/content/stored-image.ts';
import { layersDirectory } from '../image/store-layout.ts';
import type { DiskUse } from '../model/image.ts';
import { containerPaths, volumeDirectory } from '../store/paths.ts';
import { diskUsage } from './disk-usage.ts';
import type { Engine } from './engine.ts';
import { usersOf } from './stored-images.ts';
import { listVolumes } from './volumes.ts';

/** What lies on the disk of this machine, by kind, and what of it nothing needs. */
export async function diskUse(engine: Engine): Promise<readonly DiskUse[]> {
  return Promise.all([imageUse(engine), layerUse(engine), buildUse(engine), containerUse(engine), volumeUse(engine)]);
}

function imageUse(engine: Engine): DiskUse {
  const { content } = engine.images;
  const images = listStored(content);
  const used = images.filter(({ id }) => usersOf(engine, id).length > 0);
  const cached = new Set(cachedOnly(engine));
  const size = (digests: readonly string[]): number =>
    sizeOfBlobs(
      engine,
      digests.filter((digest) => !cached.has(digest)),
    );
  return {
    kind: 'images',
    count: images.length,
    active: used.length,
    sizeBytes: size(content.digests()),
    reclaimableBytes: size(
      unneededBlobs(
        content,
        used.map(({ root }) => root),
      ),
    ),
  };
}

/** Layers of steps that are in no image, and the directories of cache mounts. */
async function buildUse(engine: Engine): Promise<DiskUse> {
  const { steps, cacheMounts } = engine.images;
  const sizeBytes = sizeOfBlobs(engine, cachedOnly(engine)) + (await sizeOf(engine, [cacheMounts.directory]));
  return { kind: 'build cache', count: steps.entries().length, active: 0, sizeBytes, reclaimableBytes: sizeBytes };
}

function cachedOnly(engine: Engine): readonly string[] {
  const { content, steps } = engine.images;
  const outside = new Set(unneededBlobs(content, content.index.roots()));
  return [...new Set(steps.entries().flatMap(({ layer }) => layer?.digest ?? []))].filter((each) => outside.has(each));
}

function sizeOfBlobs(engine: Engine, digests: readonly string[]): number {
  return digests.reduce((sum, digest) => sum + (engine.images.content.blob(digest)?.size ?? 0), 0);
}

async function layerUse(engine: Engine): Promise<DiskUse> {
  const { paths } = engine.machine;
  const unneeded = unneededLayers(paths, { needed: engine.images.needed() });
  const all = unneededLayers(paths, { needed: new Set() });
  return {
    kind: 'unpacked layers',
    count: all.length,
    active: all.length - unneeded.length,
    sizeBytes: await sizeOf(engine, all.length === 0 ? [] : [layersDirectory(paths)]),
    reclaimableBytes: await sizeOf(engine, unneeded),
  };
}

async function containerUse(engine: Engine): Promise<DiskUse> {
  const { paths, records } = engine.machine;
  const directories = records.containers.all().map(({ key }) => containerPaths(paths, key).directory);
  return {
    kind: 'containers',
    count: directories.length,
    active: engine.supervisor.active,
    sizeBytes: await sizeOf(engine, directories),
    // They belong to stacks: `rm` and `down` take them away.
    reclaimableBytes: 0,
  };
}

async function volumeUse(engine: Engine): Promise<DiskUse> {
  const volumes = listVolumes(engine);
  const unused = volumes.filter(({ users }) => users.length === 0);
  const of = (names: readonly { readonly name: string }[]): readonly string[] =>
    names.map(({ name }) => volumeDirectory(engine.machine.paths, name));
  return {
    kind: 'volumes',
    count: volumes.length,
    active: volumes.length - unused.length,
    sizeBytes: await sizeOf(engine, of(volumes)),
    reclaimableBytes: await sizeOf(engine, of(unused)),
  };
}

async function sizeOf(engine: Engine, directories: readonly string[]): Promise<number> {
  if (directories.length === 0) return 0;
  return (await diskUsage(engine.machine.host, directories)) ?? 0;
}
