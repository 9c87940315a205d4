import { parseHistory } from '../image/config.ts';
import { type LoadedImage, loadImages } from '../image/content/load.ts';
import { canonicalName, familiarName, nameInFull, parseReference } from '../image/content/reference.ts';
import { blobsBelow, saveImages } from '../image/content/save.ts';
import { findStored, listStored, type StoredImage } from '../image/content/stored-image.ts';
import { withPlainArchive } from '../image/plain-archive.ts';
import type { Platform } from '../image/platform.ts';
import { imageIds } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { RemovedImages, StoredImageDetail, StoredImageSummary } from '../model/image.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';

/** Every image of the store, newest first. */
export function listStoredImages(engine: Engine): readonly StoredImageSummary[] {
  const images = listStored(engine.images.content).map((image) => summarize(engine, image));
  return images.toSorted((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0));
}

/** Throws `image-missing`, `image-invalid`. */
export function inspectStoredImage(engine: Engine, name: string): StoredImageDetail {
  const image = findImage(engine, name);
  const layers = image.manifest.layers.map(({ digest, size }, position) => ({
    digest,
    diffId: image.layers[position]?.diffId ?? '',
    sizeBytes: size,
  }));
  const config = engine.images.content.document({ digest: image.id });
  const history = parseHistory(
    config,
    layers.map(({ sizeBytes }) => sizeBytes),
  );
  return { ...summarize(engine, image), config: image.config, layers, history };
}

/** Gives an image another name. Throws `image-missing`, `image-invalid` for what is no name. */
export function tagImage(engine: Engine, source: string, target: string): void {
  const { root } = findImage(engine, source);
  const reference = parseReference(target);
  if (reference.digest !== undefined) {
    throw new TsstackError('usage', `${JSON.stringify(target)} has a digest, which is not given by hand`, {
      hint: 'Give a name and a tag, such as app:1.2',
    });
  }
  engine.images.content.index.set(canonicalName(reference), root);
}

/**
 * Takes names away, and images with their last name or that are named by their id. Throws `image-missing`, and
 * `conflict` for an image that a container is made from, or that an id stands for and several names do, unless `force`.
 */
export async function removeImages(
  engine: Engine,
  { names, force }: { readonly names: readonly string[]; readonly force: boolean },
): Promise<RemovedImages> {
  const images = names.map((name) => ({ name, image: findImage(engine, name) }));
  const untagged = new Set<string>();
  const deleted = new Map<string, string>();
  for (const { name, image } of images) {
    const full = image.names.find((each) => each === nameInFull(name));
    const left = image.names.filter((each) => each !== full && !untagged.has(each));
    if (full !== undefined && left.length > 0) {
      untagged.add(full);
      continue;
    }
    if (!force) checkRemovable(engine, name, { image, byId: full === undefined });
    for (const each of image.names) untagged.add(each);
    deleted.set(image.root.digest, image.id);
  }
  engine.images.content.index.remove(untagged);
  engine.images.content.index.removeDigests(new Set(deleted.keys()));
  return {
    untagged: [...untagged].map((name) => familiarName(parseReference(name))),
    deleted: [...deleted.keys()],
    freedBytes: await engine.images.collect([...deleted.values()]),
  };
}

/** Removes images without a name, or with `all` every image that no container is made from; with `layers` also what builds keep. */
export async function pruneImages(
  engine: Engine,
  { all, layers }: { readonly all: boolean; readonly layers: boolean },
): Promise<RemovedImages> {
  const unused = listStored(engine.images.content).filter(
    (image) => usersOf(engine, image.id).length === 0 && (all || image.names.length === 0),
  );
  const names = unused.flatMap((image) => image.names);
  const builds = layers ? await engine.images.pruneBuilds() : 0;
  engine.images.content.index.remove(new Set(names));
  engine.images.content.index.removeDigests(new Set(unused.map(({ root }) => root.digest)));
  return {
    untagged: names.map((name) => familiarName(parseReference(name))),
    deleted: unused.map(({ root }) => root.digest),
    freedBytes: builds + (await engine.images.collect(layers ? undefined : unused.map(({ id }) => id))),
  };
}

/** Takes the images of an archive or of an OCI image layout into the store; their names, or digests without one. */
export async function loadArchive(
  engine: Engine,
  path: string,
  reporting: Reporting,
): Promise<{ readonly loaded: readonly string[] }> {
  try {
    const images = await engine.images.hold(() => load(engine, path, reporting));
    return {
      loaded: images.flatMap(({ names, digest }) =>
        names.length === 0 ? [digest] : names.map((name) => familiarName(parseReference(name))),
      ),
    };
  } catch (error) {
    await engine.images.collect([]);
    throw error;
  }
}

function load(engine: Engine, path: string, { signal, progress }: Reporting): Promise<readonly LoadedImage[]> {
  const directory = engine.machine.host.stat(`${path}/.`)?.type === 'directory';
  const seen = new Map<string, number>();
  const report = (blob: { digest: string; bytes: number; size: number }): void => {
    // Every 4 MiB, and the end.
    if (blob.bytes < blob.size && blob.bytes - (seen.get(blob.digest) ?? 0) < REPORT_BYTES) return;
    seen.set(blob.digest, blob.bytes);
    progress({ type: 'transfer', subject: path, ...blob });
  };
  const options = { signal, progress: report };
  if (directory) return loadImages(engine.images.content, { path, directory }, options);
  return withPlainArchive(engine.machine.paths, path, {
    signal,
    use: (plain) => loadImages(engine.images.content, { path: plain, directory }, options),
  });
}

const REPORT_BYTES = 4 * 2 ** 20;

/** Writes images into one archive; an image that is named by its id has no name there. */
export function saveArchive(
  engine: Engine,
  { names, path }: { readonly names: readonly string[]; readonly path: string },
  { signal }: Reporting,
): Promise<{ readonly saved: readonly string[] }> {
  return engine.images.hold(async () => {
    const byRoot = new Map<string, { image: StoredImage; names: string[] }>();
    for (const name of names) {
      const image = findImage(engine, name);
      const entry = byRoot.get(image.root.digest) ?? { image, names: [] };
      byRoot.set(image.root.digest, entry);
      const full = nameInFull(name);
      if (full !== undefined && image.names.includes(full)) entry.names.push(full);
    }
    await saveImages(engine.images.content, [...byRoot.values()], { path, signal });
    return { saved: names };
  });
}

function summarize(engine: Engine, image: StoredImage): StoredImageSummary {
  const blobs = new Set(blobsBelow(engine.images.content, image.root));
  return {
    id: image.id,
    digest: image.root.digest,
    names: image.names.map((name) => familiarName(parseReference(name))),
    ...image.about,
    sizeBytes: [...blobs].reduce((sum, digest) => sum + (engine.images.content.blob(digest)?.size ?? 0), 0),
    users: usersOf(engine, image.id),
  };
}

/** Names of the containers that are made from an image, or mount it. */
export function usersOf(engine: Engine, id: string): readonly string[] {
  const containers = engine.machine.records.containers.all();
  return containers.filter(({ spec }) => imageIds(spec).includes(id)).map(({ spec }) => spec.name);
}

function checkRemovable(
  engine: Engine,
  name: string,
  { image, byId }: { readonly image: StoredImage; readonly byId: boolean },
): void {
  const users = usersOf(engine, image.id);
  if (users.length > 0) {
    throw new TsstackError('conflict', `Image "${name}" is used by ${users.join(', ')}`, {
      hint: 'Take the containers down first, or force it: they keep what they have',
    });
  }
  if (byId && image.names.length > 1) {
    const names = image.names.map((each) => familiarName(parseReference(each))).join(', ');
    throw new TsstackError('conflict', `Image "${name}" has several names: ${names}`, {
      hint: 'Remove the names, or force it to remove all of them',
    });
  }
}

/** Every error names the image. */
export function findImage(engine: Engine, name: string, platform?: Platform): StoredImage {
  try {
    return findStored(engine.images.content, name, platform);
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    throw new TsstackError(error.code, `Image "${name}" ${error.message}`, {
      hint: error.hint ?? 'See what is there: tsstack image ls',
      cause: error,
    });
  }
}
