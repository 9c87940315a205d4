import { exhaustive } from '../lib/exhaustive.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageConfig, ImageInfo, RootFilesystem } from '../model/image.ts';
import type { ImageSource } from '../model/stack.ts';
import type { ImageContext } from './context.ts';
import { hostRootFilesystem } from './host-root/host-root.ts';

export type { ImageContext } from './context.ts';
export { readRootFile } from './root-file.ts';

const EMPTY_CONFIG: ImageConfig = {
  entrypoint: [],
  command: [],
  env: {},
  workingDir: '',
  user: '',
  volumes: [],
  exposedPorts: [],
  labels: {},
};

/** One word for a source, the key of `ObservedState.images`: `host`, `rootfs:/x`, `oci:/dir:latest`, … */
export function imageKey(source: ImageSource): string {
  switch (source.type) {
    case 'host':
      return 'host';
    case 'rootfs':
      return `rootfs:${source.path}`;
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return `${source.type}:${source.path}${source.tag === undefined ? '' : `:${source.tag}`}`;
    case 'reference':
      return source.reference;
    default:
      return exhaustive(source);
  }
}

/** Reads manifest and configuration, unpacks nothing. Throws `image-missing`, `image-invalid`. */
export async function inspectImage(context: ImageContext, source: ImageSource): Promise<ImageInfo> {
  if (source.type === 'host') return { id: 'host', config: EMPTY_CONFIG, unpacked: true };
  if (source.type === 'rootfs') return inspectDirectory(context, source.path);
  throw notInStore(source);
}

/** Verifies and unpacks every layer that is not in the store yet. Killed at any moment it leaves nothing that counts. */
export async function unpackImage(
  _context: ImageContext,
  source: ImageSource,
  _imageId: string,
  _signal: AbortSignal,
): Promise<void> {
  if (source.type === 'host' || source.type === 'rootfs') return;
  throw notInStore(source);
}

/** The lower directories of an unpacked image. */
export async function rootFilesystem(
  context: ImageContext,
  source: ImageSource,
  _imageId: string,
): Promise<RootFilesystem> {
  if (source.type === 'host') return hostRootFilesystem(context);
  if (source.type === 'rootfs') return { lower: [source.path], overlays: [] };
  throw notInStore(source);
}

function inspectDirectory({ host }: ImageContext, path: string): ImageInfo {
  if (host.stat(`${path}/.`)?.type !== 'directory') {
    throw new TsstackError('image-missing', `cannot use ${path} as a root filesystem: it is no directory`, {
      hint: 'Name a directory or a tarball that holds a root file system in x-rootfs.',
    });
  }
  return { id: `dir:${path}`, config: EMPTY_CONFIG, unpacked: true };
}

function notInStore(source: ImageSource): TsstackError {
  return new TsstackError('image-missing', `image ${JSON.stringify(imageKey(source))} is not in the store`, {
    hint: 'Use an image on disk (oci:DIR[:tag], oci-archive:FILE[:tag], docker-archive:FILE[:tag]), x-rootfs with a directory or tarball, or leave image out to run the programs of this machine.',
  });
}
