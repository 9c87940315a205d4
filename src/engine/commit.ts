import { writeLayer } from '../build/layer/write-layer.ts';
import { findStored, type StoredImage } from '../image/content/stored-image.ts';
import { asArray, asObject, parseObject } from '../image/json.ts';
import { TsstackError } from '../model/error.ts';
import { cgroupName } from '../store/paths.ts';
import { upperEntries } from './changes.ts';
import type { ContainerView } from './containers.ts';
import type { Engine } from './engine.ts';
import { changedConfig, GZIP_LEVEL, newName } from './image-changes.ts';

export interface CommitOptions {
  /** Absent: the image has no name. */
  readonly name?: string;
  readonly author: string;
  readonly message: string;
  /** Instructions of a Dockerfile that change the configuration. */
  readonly changes: readonly string[];
  /** Freeze its processes while their files are read. */
  readonly pause: boolean;
  readonly signal: AbortSignal;
}

/**
 * Makes an image of a container: the layers of its image, and one more with what it has written. Mounts are not part of
 * it, and neither are its environment and command, which may hold secrets: the configuration is the image's. Gives its id.
 */
export async function commit(
  engine: Engine,
  view: ContainerView,
  options: CommitOptions,
): Promise<{ readonly id: string }> {
  const base = baseImage(engine, view);
  const name = options.name === undefined ? undefined : newName(options.name);
  const { content } = engine.images;
  return engine.images.hold(async () => {
    const document = parseObject(content.document({ digest: base.id }), 'the configuration');
    const config = changedConfig(asObject(document['config'] ?? {}, 'config'), options.changes);
    const entries = await frozen(engine, view, options.pause, () => upperEntries(engine, view, options.signal));
    const layer = await writeLayer(
      content,
      entries.flatMap((each) => each.entries),
      { gzipLevel: GZIP_LEVEL, signal: options.signal },
    );
    const created = new Date(engine.machine.now()).toISOString();
    const rootfs = asObject(document['rootfs'] ?? {}, 'rootfs');
    const step = { created, created_by: 'tsstack commit', author: options.author, comment: options.message };
    const configuration = {
      ...document,
      created,
      ...(options.author !== '' && { author: options.author }),
      config,
      rootfs: { ...rootfs, diff_ids: [...asArray(rootfs['diff_ids'], 'diff_ids'), layer.diffId] },
      history: [...asArray(document['history'], 'history'), step],
    };
    const stored = content.addDocument(Buffer.from(JSON.stringify(configuration)), base.manifest.config.mediaType);
    const manifest = parseObject(content.document(base.descriptor), 'the manifest');
    const layers = [
      ...asArray(manifest['layers'], 'layers'),
      { mediaType: layerType(base, layer.mediaType), digest: layer.digest, size: layer.size },
    ];
    const whole = Buffer.from(JSON.stringify({ ...manifest, config: stored, layers }));
    const root = content.addDocument(whole, base.descriptor.mediaType);
    if (name === undefined) content.index.add(root);
    else content.index.set(name, root);
    return { id: stored.digest };
  });
}

/** In a manifest of Docker's own type, layers are of Docker's. */
function layerType({ descriptor }: StoredImage, mediaType: string): string {
  return descriptor.mediaType.includes('docker') ? 'application/vnd.docker.image.rootfs.diff.tar.gzip' : mediaType;
}

/** Throws `usage` for a container that is made from no image of the store. */
function baseImage(engine: Engine, { record: { spec } }: ContainerView): StoredImage {
  try {
    return findStored(engine.images.content, spec.image.id);
  } catch (cause) {
    if (!(cause instanceof TsstackError) || cause.code !== 'image-missing') throw cause;
    throw new TsstackError('usage', `${spec.name} is not made from an image of the store`, {
      hint: 'Load its image first (tsstack image load), or take its files: tsstack export',
      cause,
    });
  }
}

/** Runs `read` while the processes are frozen, if they run and are not frozen already. */
async function frozen<Result>(
  engine: Engine,
  { record: { key }, observed }: ContainerView,
  pause: boolean,
  read: () => Promise<Result>,
): Promise<Result> {
  const { host, cgroups } = engine.machine;
  // Where nothing can be frozen it is read as it runs.
  if (!pause || cgroups.none !== undefined || observed.status !== 'running' || observed.pid === undefined)
    return read();
  await host.perform(cgroups.freeze(cgroupName(key), true));
  try {
    return await read();
  } finally {
    await host.perform(cgroups.freeze(cgroupName(key), false));
  }
}
