import type { ImageSource } from '../../model/stack.ts';
import { type PathBase, resolvePath } from '../paths.ts';

/** Paths of images are relative to the file that names them. */
interface ImageBases {
  readonly image: PathBase;
  readonly rootfs: PathBase;
}

interface Written {
  readonly image: string | undefined;
  readonly rootfs?: string | undefined;
  readonly platform?: string | undefined;
  /** Name of the image that is built where none is written. */
  readonly built?: string | undefined;
}

/** Where a service's root comes from: `x-rootfs`, else `image`, else what is built, else the host's own programs. */
export function imageSource({ image: written, rootfs, platform, built }: Written, bases: ImageBases): ImageSource {
  if (rootfs !== undefined) return { type: 'rootfs', path: resolvePath(rootfs, bases.rootfs) };
  const image = written ?? built;
  if (image === undefined) return { type: 'host' };
  const match = /^(oci|oci-archive|docker-archive):(.+)$/s.exec(image);
  if (match === null) return { type: 'reference', reference: image, ...(platform !== undefined && { platform }) };
  const [, type, rest = ''] = match;
  const { path, tag } = splitTag(rest);
  const named = { path: resolvePath(path, bases.image), ...(tag !== undefined && { tag }) };
  if (type === 'oci') return { type: 'oci', ...named };
  return type === 'oci-archive' ? { type: 'oci-archive', ...named } : { type: 'docker-archive', ...named };
}

/** `DIR:tag`: a tag holds no slash; one of docker-archive may be `name:tag`. */
function splitTag(text: string): { path: string; tag?: string } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1);
  const first = text.indexOf(':');
  const where = first !== -1 && !/^\.{0,2}\//.test(text) ? first : colon;
  return where <= 0 ? { path: text } : { path: text.slice(0, where), tag: text.slice(where + 1) };
}
