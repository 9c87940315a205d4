import type { ContentStore } from '../image/content/content-store.ts';
import { findStored } from '../image/content/stored-image.ts';
import { hostPlatform, platformFromText } from '../image/platform.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageSource } from '../model/stack.ts';

export type ReferenceSource = ImageSource & { readonly type: 'reference' };

/** Of an engine what knows the images of the store. */
export interface HasImages {
  readonly images: { readonly content: ContentStore };
}

/** Whether the store has an image, for its platform or else this machine's. */
export function isStored({ images }: HasImages, { reference, platform }: ReferenceSource): boolean {
  try {
    findStored(images.content, reference, platform === undefined ? hostPlatform() : platformFromText(platform));
    return true;
  } catch (error) {
    if (error instanceof TsstackError) return false;
    throw error;
  }
}
