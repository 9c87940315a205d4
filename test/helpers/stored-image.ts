import { randomBytes } from 'node:crypto';
import type { ContentStore } from '../../src/image/content/content-store.ts';
import { type Stored, type TestImage, testImage } from './http-registry.ts';
import { tarOf } from './image-builder.ts';

const { signal } = new AbortController();

/** An image whose layers are real archives of random files of these sizes. */
export async function randomImage(...sizes: readonly number[]): Promise<TestImage> {
  return testImage(
    await Promise.all(sizes.map((size, position) => tarOf([{ name: `file${position}`, text: randomBytes(size) }]))),
  );
}

export async function put(store: ContentStore, blob: Stored): Promise<void> {
  await store.add(blob, (offset) => one(blob.data.subarray(offset)), { signal });
}

async function* one(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

/** The image with all of its blobs, under this name in full. */
export async function fill(store: ContentStore, name: string, image: TestImage): Promise<void> {
  for (const blob of [image.manifest, image.config, ...image.layers]) await put(store, blob);
  store.index.set(name, { ...image.manifest });
}
