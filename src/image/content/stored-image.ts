import { TsstackError } from '../../model/error.ts';
import type { Descriptor } from '../manifest.ts';
import { openRoot, type RootedImage } from '../oci-layout.ts';
import { hostPlatform, type Platform } from '../platform.ts';
import type { ContentStore } from './content-store.ts';
import { nameInFull } from './reference.ts';

/** An image of the content store, for one platform. */
export interface StoredImage extends RootedImage {
  /** What its names stand for: the manifest, or an index with it. */
  readonly root: Descriptor;
  /** In full, sorted. */
  readonly names: readonly string[];
}

/** Hexadecimal digits of an id that are enough where they are unambiguous, as Docker prints them. */
const SHORT_ID = /^[0-9a-f]{6,64}$/;

/**
 * The image that a text stands for: a reference, or an id (whole or its beginning). `platform`: of an image for several;
 * absent: the machine's own, or else the one that it is for. Throws `image-missing`, and `image-invalid` where it is there and damaged.
 */
export function findStored(store: ContentStore, text: string, platform?: Platform): StoredImage {
  const names = store.index.names();
  const byName = rootOfName(names, text);
  if (byName !== undefined) return openFor({ store, names }, byName, platform);
  const id = text.replace(/^sha256:/, '');
  const found = SHORT_ID.test(id) ? listStored(store).filter((image) => matchesId(image, id)) : [];
  const [image, ...more] = [...new Map(found.map((each) => [each.id, each])).values()];
  if (image === undefined) throw new TsstackError('image-missing', 'is not in the store');
  if (more.length > 0)
    throw new TsstackError('image-missing', `stands for ${more.length + 1} images: give more of the id`);
  return image;
}

/** Every image of the store: those of this platform, or else of the one that they are for. Damaged ones are left out. */
export function listStored(store: ContentStore): readonly StoredImage[] {
  const roots = new Map(store.index.roots().map((root) => [root.digest, root]));
  const names = store.index.names();
  return [...roots.values()].flatMap((root) => {
    try {
      return [openFor({ store, names }, root, undefined)];
    } catch {
      return [];
    }
  });
}

/** Throws what is wrong with the one for this machine where there is none for another. */
function openFor(content: Content, root: Descriptor, platform: Platform | undefined): StoredImage {
  if (platform !== undefined) return openStored(content, root, platform);
  try {
    return openStored(content, root, hostPlatform());
  } catch (error) {
    try {
      return openStored(content, root, undefined);
    } catch {
      throw error;
    }
  }
}

/** A store with the names that are in it, which are read once for all its images. */
interface Content {
  readonly store: ContentStore;
  readonly names: ReadonlyMap<string, Descriptor>;
}

function openStored({ store, names }: Content, root: Descriptor, platform: Platform | undefined): StoredImage {
  const own = [...names].filter(([, { digest }]) => digest === root.digest).map(([name]) => name);
  return { ...openRoot(store.files, [root], platform), root, names: own.toSorted() };
}

function rootOfName(names: Content['names'], text: string): Descriptor | undefined {
  const name = nameInFull(text);
  if (name === undefined) return undefined;
  const digest = name.split('@')[1];
  // What was pulled by its tag is there under its digest as well.
  return names.get(name) ?? [...names.values()].find((root) => root.digest === digest);
}

function matchesId({ id, root, descriptor }: StoredImage, start: string): boolean {
  return [id, root.digest, descriptor.digest].some((digest) => digest.slice('sha256:'.length).startsWith(start));
}
