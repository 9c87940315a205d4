import { at, type Context, complain } from '../canonical/context.ts';
import { entryOf } from '../node.ts';
import { quoted } from '../printable.ts';
import type { CheckInput } from './input.ts';

/** `x-pinned-images: true`: every image of a registry names a digest, or a tag other than `latest`. */
export function checkPinned(input: CheckInput, context: Context): void {
  const wish = entryOf(context.root, 'x-pinned-images')?.node;
  if (wish?.kind !== 'scalar' || wish.value !== true) return;
  for (const { service, place } of input.services) {
    const image = service['image'];
    if (typeof image !== 'string' || /^(oci|oci-archive|docker-archive):/.test(image) || isPinned(image)) continue;
    complain(at(place, 'image'), {
      severity: 'warning',
      code: 'image.unpinned',
      message: `the image ${quoted(image)} is not pinned, which "x-pinned-images" asks for: what it means can change`,
      hint: 'write a tag other than "latest", or a digest: NAME@sha256:…',
    });
  }
}

function isPinned(image: string): boolean {
  if (image.includes('@')) return true;
  const tag = /:([^:/]*)$/.exec(image)?.[1] ?? 'latest';
  return tag !== 'latest';
}
