import { type FileRange, openDirectory, streamRange } from '../file-range.ts';
import { blobFile, openOciLayout } from '../oci-layout.ts';
import type { Platform } from '../platform.ts';
import type { ContentStore } from './content-store.ts';
import type { StoredImage } from './stored-image.ts';

/** Takes one image of an OCI image layout (a directory) into the store, without a name. Throws as `openOciLayout()` does. */
export async function copyImage(
  store: ContentStore,
  source: { readonly path: string; readonly tag: string | undefined; readonly platform: Platform },
  signal: AbortSignal,
): Promise<StoredImage> {
  const files = openDirectory(source.path);
  const image = openOciLayout(files, source.tag, source.platform);
  for (const descriptor of [...image.manifest.layers, image.manifest.config, image.descriptor]) {
    const range = blobFile(files, descriptor);
    await store.add(descriptor, (offset) => rest(range, offset), { signal });
  }
  return { ...image, root: image.descriptor, names: [] };
}

function rest(range: FileRange, offset: number): AsyncIterable<Buffer> {
  return streamRange({ ...range, start: range.start + offset, size: range.size - offset });
}
