import { createHash } from 'node:crypto';
import { openArchive } from '../archive.ts';
import { parseConfig } from '../config.ts';
import { parseDigest } from '../digest.ts';
import { type SavedImage, savedImages, savedMember } from '../docker-archive.ts';
import { imageInvalid } from '../errors.ts';
import { type FileRange, type ImageFiles, openDirectory, readRange, streamRange } from '../file-range.ts';
import { DOCUMENT_BYTES } from '../limits.ts';
import {
  type Descriptor,
  INDEX_TYPES,
  MANIFEST_TYPES,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  parseIndex,
  parseManifest,
} from '../manifest.ts';
import { blobFile, checkLayout, INDEX_DEPTH, readBlob } from '../oci-layout.ts';
import type { AddOptions, ContentStore } from './content-store.ts';
import { type NamedDescriptor, parseNamedIndex } from './index-file.ts';
import { canonicalName, parseReference } from './reference.ts';

export interface LoadOptions extends Pick<AddOptions, 'signal'> {
  readonly progress: (blob: { readonly digest: string; readonly bytes: number; readonly size: number }) => void;
}

export interface LoadedImage {
  /** In full; empty: the archive gives it none. */
  readonly names: readonly string[];
  /** Digest of the manifest or index. */
  readonly digest: string;
}

/**
 * Takes every image of an archive (`docker save`, `podman save`, `skopeo copy`, ours) or of an OCI image layout into the
 * store. Names are set when all of an image is there. Throws `image-missing`, `image-invalid`, `cancelled`.
 */
export async function loadImages(
  store: ContentStore,
  source: { readonly path: string; readonly directory: boolean },
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const files = source.directory ? openDirectory(source.path) : openArchive(source.path);
  if (files.find('oci-layout') !== undefined) return new LayoutLoad(store, files, options).all();
  if (files.find('manifest.json') === undefined) {
    throw imageInvalid('it is neither an OCI image layout nor what "docker save" writes');
  }
  const loaded: LoadedImage[] = [];
  for (const saved of savedImages(files)) loaded.push(await loadSaved(store, { files, saved }, options));
  return loaded;
}

/** An OCI image layout, copied blob by blob, so that every digest stays what it is. */
class LayoutLoad {
  readonly #store: ContentStore;
  readonly #files: ImageFiles;
  readonly #options: LoadOptions;

  constructor(store: ContentStore, files: ImageFiles, options: LoadOptions) {
    this.#store = store;
    this.#files = files;
    this.#options = options;
  }

  async all(): Promise<readonly LoadedImage[]> {
    checkLayout(this.#files);
    const index = this.#files.find('index.json');
    if (index === undefined) throw imageInvalid('there is no index.json');
    const text = readRange(index, DOCUMENT_BYTES);
    parseIndex(text);
    const entries = parseNamedIndex(text);
    if (entries.length === 0) throw imageInvalid('its index is empty');
    const names = new Map<string, string[]>();
    for (const { descriptor, name } of entries) {
      if (!names.has(descriptor.digest)) await this.#copy(descriptor, 0);
      names.set(descriptor.digest, [...(names.get(descriptor.digest) ?? []), ...(name === undefined ? [] : [name])]);
    }
    for (const entry of entries) keep(this.#store, entry);
    return [...names].map(([digest, each]) => ({ names: each, digest }));
  }

  async #copy(descriptor: Descriptor, depth: number): Promise<void> {
    if (depth > INDEX_DEPTH) throw imageInvalid(`indexes are nested more than ${INDEX_DEPTH} deep`);
    const text = readBlob(this.#files, descriptor);
    if (INDEX_TYPES.has(descriptor.mediaType)) {
      // An archive for one platform may hold an index for many; and what is for none is no image.
      const children = parseIndex(text).filter((child) => this.#has(child) && child.platform.os !== 'unknown');
      for (const child of children) await this.#copy(child, depth + 1);
      if (children.length === 0) throw imageInvalid(`the index ${descriptor.digest} has none of its images`);
    } else if (MANIFEST_TYPES.has(descriptor.mediaType)) {
      const { config, layers } = parseManifest(text);
      for (const blob of [config, ...layers]) await this.#blob(blob);
    } else {
      throw imageInvalid(`an entry is of the unknown type "${descriptor.mediaType}"`);
    }
    await this.#blob(descriptor);
  }

  #has({ digest }: Descriptor): boolean {
    return this.#files.find(`blobs/${digest.replace(':', '/')}`) !== undefined;
  }

  #blob(descriptor: Descriptor): Promise<void> {
    return addRange(this.#store, blobFile(this.#files, descriptor), descriptor.digest, this.#options);
  }
}

function keep(store: ContentStore, { descriptor, name }: NamedDescriptor): void {
  if (name === undefined) store.index.add(descriptor);
  else store.index.set(name, descriptor);
}

/** An image of `docker save`'s older form: layers stay as they are, the manifest that it lacks is written. */
async function loadSaved(
  store: ContentStore,
  { files, saved }: { readonly files: ImageFiles; readonly saved: SavedImage },
  options: LoadOptions,
): Promise<LoadedImage> {
  const configText = readRange(savedMember(files, saved.config), DOCUMENT_BYTES);
  const { diffIds } = parseConfig(configText);
  if (diffIds.length !== saved.layers.length) {
    throw imageInvalid(`${saved.layers.length} layers, but ${diffIds.length} diff_ids`);
  }
  const layers = [];
  for (const [position, member] of saved.layers.entries()) {
    const range = savedMember(files, member);
    const packed = await packing(range);
    const digest = packed === '' ? parseDigest(diffIds[position]) : await digestOf(range);
    await addRange(store, range, digest, options);
    layers.push({ mediaType: `${OCI_LAYER}${packed}`, digest, size: range.size });
  }
  const config = store.addDocument(configText, OCI_CONFIG);
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers };
  const root = store.addDocument(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
  const names = saved.tags.map((tag) => canonicalName(parseReference(tag)));
  if (names.length === 0) store.index.add(root);
  for (const name of names) store.index.set(name, root);
  return { names, digest: root.digest };
}

/** Suffix of the media type, by the first bytes. */
async function packing(range: FileRange): Promise<'' | '+gzip' | '+zstd'> {
  const head = readRange({ ...range, size: Math.min(4, range.size) }, 4).toString('hex');
  if (head.startsWith('1f8b')) return '+gzip';
  return head === '28b52ffd' ? '+zstd' : '';
}

async function digestOf(range: FileRange): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of streamRange(range)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

function addRange(store: ContentStore, range: FileRange, digest: string, options: LoadOptions): Promise<void> {
  const rest = (offset: number): AsyncIterable<Buffer> =>
    streamRange({ ...range, start: range.start + offset, size: range.size - offset });
  const progress = (bytes: number): void => options.progress({ digest, bytes, size: range.size });
  return store.add({ digest, size: range.size }, rest, { signal: options.signal, progress });
}
