import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { TsstackError } from '../../model/error.ts';
import { INDEX_TYPES, OCI_INDEX, parseIndex, parseManifest } from '../manifest.ts';
import type { ContentStore } from './content-store.ts';
import { familiarName, parseReference } from './reference.ts';
import type { StoredImage } from './stored-image.ts';

/** What is saved: an image, and the names that it has in the archive (in full). */
export interface SavedUnder {
  readonly image: StoredImage;
  readonly names: readonly string[];
}

/**
 * Writes images into one archive that is an OCI image layout and what `docker save` writes at the same time. Members
 * carry no times or owners, so the same images give the same bytes. Of an index, those platforms that are there.
 */
export async function saveImages(
  store: ContentStore,
  images: readonly SavedUnder[],
  output: { readonly path: string; readonly signal: AbortSignal },
): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(output.path, { mode: 0o600 }), { signal: output.signal });
  // Whichever fails first ends the other.
  const filled = fill(archive, store, images).catch((error: unknown) => archive.destroy(error as Error));
  try {
    await Promise.all([filled, written]);
  } catch (error) {
    if (output.signal.aborted) throw new TsstackError('cancelled', 'saving was cancelled', { cause: error });
    throw error;
  }
}

async function fill(archive: Pack, store: ContentStore, images: readonly SavedUnder[]): Promise<void> {
  const digests = new Set(images.flatMap(({ image: { root } }) => blobsBelow(store, root)));
  for (const digest of [...digests].toSorted()) await addBlob(archive, store, digest);
  const manifests = images.flatMap(({ image: { root }, names }) => {
    const { mediaType, digest, size } = root;
    const entry = { mediaType, digest, size };
    return names.length === 0 ? [entry] : names.map((name) => ({ ...entry, annotations: annotations(name) }));
  });
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  addText(archive, 'index.json', JSON.stringify(index));
  addText(archive, 'manifest.json', JSON.stringify(images.map(dockerEntry)));
  addText(archive, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  archive.finalize();
}

/** Every blob of an image that is there, its documents first. */
export function blobsBelow(
  store: ContentStore,
  { digest, mediaType }: { digest: string; mediaType: string },
): string[] {
  if (store.blob(digest) === undefined) return [];
  const text = store.document({ digest });
  if (INDEX_TYPES.has(mediaType)) return [digest, ...parseIndex(text).flatMap((child) => blobsBelow(store, child))];
  const { config, layers } = parseManifest(text);
  return [digest, config.digest, ...layers.map((layer) => layer.digest)];
}

function annotations(name: string): Readonly<Record<string, string>> {
  const { tag = '' } = parseReference(name);
  return { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag };
}

function dockerEntry({ image: { manifest }, names }: SavedUnder): object {
  const tags = names.map(parseReference).filter(({ digest }) => digest === undefined);
  return {
    Config: memberName(manifest.config.digest),
    RepoTags: tags.map(familiarName),
    Layers: manifest.layers.map(({ digest }) => memberName(digest)),
  };
}

function addText(archive: Pack, name: string, text: string): void {
  archive.entry({ name, mode: 0o644, mtime: new Date(0) }, text);
}

async function addBlob(archive: Pack, store: ContentStore, digest: string): Promise<void> {
  const blob = store.blob(digest);
  if (blob === undefined) return;
  const entry = archive.entry({ name: memberName(digest), size: blob.size, mode: 0o644, mtime: new Date(0) });
  await pipeline(createReadStream(blob.path), entry);
}

function memberName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
