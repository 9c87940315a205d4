import { TsstackError } from '../../model/error.ts';
import type { ContentStore } from '../content/content-store.ts';
import { sha256 } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { parseObject } from '../json.ts';
import {
  type Descriptor,
  INDEX_TYPES,
  MANIFEST_TYPES,
  parseDescriptor,
  parseIndex,
  parseManifest,
} from '../manifest.ts';
import type { Document } from './client.ts';

/** What of an image is wholly in the store, as it can be given away. */
export interface CompleteImage {
  /** What the name is to stand for. */
  readonly root: Document;
  /** What an index needs before it, in the order in which a registry takes them. */
  readonly children: readonly Document[];
  /** Configurations and layers of all manifests, each once. */
  readonly blobs: readonly Descriptor[];
}

/** As in `openOciLayout`. */
const INDEX_DEPTH = 4;

/**
 * A manifest with its blobs, or an index with those manifests whose blobs are all here: a pull brings one platform of many,
 * and an index that names what is nowhere would be refused. Throws `image-missing`, `image-invalid`.
 */
export function completeImage(
  store: ContentStore,
  { mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>,
): CompleteImage {
  const found = complete(store, { mediaType, digest, data: store.document({ digest }) }, 0);
  if (found === undefined) throw imageInvalid('not all of its layers are in the store');
  return { ...found, blobs: [...new Map(found.blobs.map((blob) => [blob.digest, blob])).values()] };
}

function complete(store: ContentStore, root: Document, depth: number): CompleteImage | undefined {
  if (depth > INDEX_DEPTH) throw imageInvalid(`indexes are nested more than ${INDEX_DEPTH} deep`);
  if (!INDEX_TYPES.has(root.mediaType)) {
    const { config, layers } = parseManifest(root.data);
    const blobs = [config, ...layers];
    return blobs.every((blob) => store.has(blob)) ? { root, children: [], blobs } : undefined;
  }
  const entries = parseIndex(root.data).map((entry) => ({ entry, found: childOf(store, entry, depth) }));
  const children = entries.flatMap(({ found }) => (found === undefined ? [] : [found]));
  if (children.length === 0) return undefined;
  const documents = children.flatMap((child) => [...child.children, child.root]);
  const blobs = children.flatMap((child) => child.blobs);
  const whole = entries.every(({ entry, found }) => found?.root.digest === entry.digest);
  return { root: whole ? root : reduced(root, entries), children: documents, blobs };
}

function childOf(store: ContentStore, { mediaType, digest }: Descriptor, depth: number): CompleteImage | undefined {
  const known = INDEX_TYPES.has(mediaType) || MANIFEST_TYPES.has(mediaType);
  if (!known || store.blob(digest) === undefined) return undefined;
  try {
    return complete(store, { mediaType, digest, data: store.document({ digest }) }, depth + 1);
  } catch (error) {
    // No image: a signature or a statement about one, of which we do not know what belongs to it.
    if (error instanceof TsstackError && error.code === 'image-invalid') return undefined;
    throw error;
  }
}

/** The index with what is here; every other member of it, and of its entries, stays. */
function reduced(
  { mediaType, data }: Document,
  entries: readonly { readonly entry: Descriptor; readonly found: CompleteImage | undefined }[],
): Document {
  const document = parseObject(data, 'the index');
  const manifests = [document['manifests']].flat().flatMap((written) => {
    const { digest } = parseDescriptor(written);
    const found = entries.find(({ entry }) => entry.digest === digest)?.found;
    return found === undefined
      ? []
      : [{ ...(written as object), digest: found.root.digest, size: found.root.data.length }];
  });
  const text = Buffer.from(JSON.stringify({ ...document, manifests }));
  return { mediaType, digest: sha256(text), data: text };
}
