import { basename } from 'node:path';
import { addTarball } from '../image/content/add-tarball.ts';
import { inContext } from '../image/errors.ts';
import { OCI_CONFIG, OCI_MANIFEST } from '../image/manifest.ts';
import { hostPlatform, platformFromText } from '../image/platform.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageImport } from '../model/image.ts';
import type { Engine } from './engine.ts';
import { changedConfig, GZIP_LEVEL, newName } from './image-changes.ts';
import type { Reporting } from './reporting.ts';

/**
 * Makes an image of one layer from a root filesystem's tarball; gives its id. Throws `usage`, `invalid-dockerfile`,
 * `image-missing`, `image-invalid`, `cancelled`.
 */
export async function importImage(
  engine: Engine,
  options: ImageImport,
  { signal }: Pick<Reporting, 'signal'>,
): Promise<{ readonly id: string }> {
  const name = options.name === undefined ? undefined : newName(options.name);
  const platform = options.platform === undefined ? hostPlatform() : platformFromText(options.platform);
  const config = changedConfig({}, options.changes);
  const { content } = engine.images;
  try {
    return await engine.images.hold(async () => {
      const { diffId, ...layer } = await layerOf(engine, options, signal);
      const created = new Date(engine.machine.now()).toISOString();
      const comment = options.message === '' ? `Imported from ${options.from}` : options.message;
      const configuration = {
        created,
        ...platform,
        config,
        rootfs: { type: 'layers', diff_ids: [diffId] },
        history: [{ created, created_by: 'tsstack image import', comment }],
      };
      const stored = content.addDocument(Buffer.from(JSON.stringify(configuration)), OCI_CONFIG);
      const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: stored, layers: [layer] };
      const root = content.addDocument(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
      if (name === undefined) content.index.add(root);
      else content.index.set(name, root);
      return { id: stored.digest };
    });
  } catch (error) {
    await engine.images.collect([]);
    throw error;
  }
}

async function layerOf(engine: Engine, { path, from }: ImageImport, signal: AbortSignal) {
  const what = `Cannot import ${JSON.stringify(from)}`;
  try {
    return await inContext(
      () => what,
      () => addTarball(engine.images.content, path, { gzipLevel: GZIP_LEVEL, signal }),
    );
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'image-missing') throw error;
    throw new TsstackError(error.code, `${what}: ${error.message}`, {
      hint: `Name a tarball of a root filesystem, such as one of tsstack export; ${basename(path)} is none`,
      cause: error,
    });
  }
}
