import { exhaustive } from '../lib/exhaustive.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageAbout, ImageInfo, RootFilesystem } from '../model/image.ts';
import type { ImageSource } from '../model/stack.ts';
import { openArchive } from './archive.ts';
import { EMPTY_CONFIG } from './config.ts';
import { ContentStore } from './content/content-store.ts';
import { findStored } from './content/stored-image.ts';
import type { ImageContext } from './context.ts';
import { openDockerArchive } from './docker-archive.ts';
import { imageInvalid, inContext } from './errors.ts';
import { openDirectory } from './file-range.ts';
import { hostRootFilesystem } from './host-root/host-root.ts';
import { openOciLayout } from './oci-layout.ts';
import type { OpenedImage } from './opened-image.ts';
import { rememberedImage, withPlainArchive } from './plain-archive.ts';
import { hostArchitecture, platformFromText } from './platform.ts';
import { openTarball } from './tarball.ts';
import { unpackOpened } from './unpack-image.ts';
import { unpackedAbout, unpackedLayers } from './unpacked.ts';

export type { ImageContext } from './context.ts';
export { imageDirectories, readRootFile } from './root-file.ts';

/** What tells a source from others, the key of `ObservedState.images`: its name, and its platform where one is named. */
export function imageKey(source: ImageSource): string {
  const platform = source.type === 'reference' ? source.platform : undefined;
  return platform === undefined ? imageName(source) : `${imageName(source)} (${platform})`;
}

/** One word for a source: `host`, `rootfs:/x`, `oci:/dir:latest`, `alpine:3.20`, … */
export function imageName(source: ImageSource): string {
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
    case 'layers':
      return `layers:${source.id}`;
    default:
      return exhaustive(source);
  }
}

/** Reads manifest and configuration, unpacks nothing. Throws `image-missing`, `image-invalid`. */
export async function inspectImage(context: ImageContext, source: ImageSource): Promise<ImageInfo> {
  if (source.type === 'host') return { id: 'host', config: EMPTY_CONFIG, unpacked: true };
  if (isDirectorySource(context, source)) return { id: `dir:${source.path}`, config: EMPTY_CONFIG, unpacked: true };
  if (source.type === 'layers') return { id: source.id, config: EMPTY_CONFIG, unpacked: true };
  const inspect = () => withImage(context, { source, signal: NEVER }, async (image) => image);
  const { id, config, about } = isArchive(source)
    ? await rememberedImage(context, { path: source.path, key: imageKey(source) }, inspect)
    : await inspect();
  return {
    id,
    config,
    unpacked: unpackedLayers(context.paths, id) !== undefined,
    ...(about !== undefined && { platform: about.platform }),
  };
}

/**
 * Verifies and unpacks every layer that is not in the store yet. Killed at any moment it leaves nothing that counts.
 * Throws `image-missing`, `image-invalid`, `cancelled`, `command-failed`.
 */
export async function unpackImage(
  context: ImageContext,
  source: ImageSource,
  imageId: string,
  signal: AbortSignal,
): Promise<void> {
  if (!hasLayers(imageId) || unpackedLayers(context.paths, imageId) !== undefined) return;
  await withImage(context, { source, signal }, async (image) => {
    if (image.id !== imageId) throw imageInvalid(`it was ${imageId} when it was planned and is ${image.id} now`);
    await unpackOpened(context, image, signal);
  });
}

/** The lower directories of an unpacked image. Throws `image-missing` when it is not unpacked. */
export async function rootFilesystem(
  context: ImageContext,
  source: ImageSource,
  imageId: string,
): Promise<RootFilesystem> {
  if (source.type === 'host') return hostRootFilesystem(context);
  if (!hasLayers(imageId)) return { lower: [imageId.slice(DIRECTORY.length)], overlays: [] };
  return { lower: imageLayers(context, source, imageId), overlays: [] };
}

/** The layers of an unpacked image, top first. Throws `image-missing` when it is not unpacked. */
export function imageLayers({ paths }: ImageContext, source: ImageSource, imageId: string): readonly string[] {
  const layers = unpackedLayers(paths, imageId);
  if (layers !== undefined) return [...layers].reverse();
  throw new TsstackError('image-missing', `image ${JSON.stringify(imageKey(source))} (${imageId}) is not unpacked`, {
    hint: 'Run tsstack up again.',
  });
}

/** What is known of an image that a container was made from; the image on disk is not looked at again. */
export function describeImage(
  { paths }: ImageContext,
  source: ImageSource,
  imageId: string,
): { readonly about: Partial<ImageAbout>; readonly directories: readonly string[] } {
  const here = { platform: `linux/${hostArchitecture()}` };
  if (source.type === 'host') return { about: here, directories: [] };
  if (!hasLayers(imageId)) return { about: here, directories: [imageId.slice(DIRECTORY.length)] };
  return { about: { ...here, ...unpackedAbout(paths, imageId) }, directories: unpackedLayers(paths, imageId) ?? [] };
}

const DIRECTORY = 'dir:';

function hasLayers(imageId: string): boolean {
  return imageId !== 'host' && !imageId.startsWith(DIRECTORY);
}

function isDirectorySource(context: ImageContext, source: ImageSource): source is ImageSource & { type: 'rootfs' } {
  return source.type === 'rootfs' && context.host.stat(`${source.path}/.`)?.type === 'directory';
}

const NEVER = new AbortController().signal;

function isArchive(source: ImageSource): source is ImageSource & { readonly type: 'oci-archive' | 'docker-archive' } {
  return source.type === 'oci-archive' || source.type === 'docker-archive';
}

/** Every error names the image. Its layers can be read until `use` has ended. */
function withImage<Result>(
  context: ImageContext,
  { source, signal }: { readonly source: ImageSource; readonly signal: AbortSignal },
  use: (image: OpenedImage) => Promise<Result>,
): Promise<Result> {
  return inImage(source, async () => {
    if (!isArchive(source)) return use(await openImage(context, source));
    return withPlainArchive(context.paths, source.path, {
      signal,
      use: async (path) => use(await openImage(context, { ...source, path })),
    });
  });
}

async function openImage(context: ImageContext, source: ImageSource): Promise<OpenedImage> {
  switch (source.type) {
    case 'rootfs':
      return openTarball(context, source.path);
    case 'oci':
      return openOciLayout(openDirectory(source.path), source.tag);
    case 'oci-archive':
      return openOciLayout(openArchive(source.path), source.tag);
    case 'docker-archive':
      return openDockerArchive(openArchive(source.path), source.tag);
    case 'reference':
      return openReference(context, source);
    case 'layers':
      throw new TsstackError('image-missing', 'has been removed', { hint: 'Build again' });
    case 'host':
      throw new Error('the programs of the host are no image');
    default:
      return exhaustive(source);
  }
}

function openReference(context: ImageContext, { reference, platform }: ReferenceSource): OpenedImage {
  const wanted = platform === undefined ? undefined : platformFromText(platform);
  try {
    return findStored(new ContentStore(context.paths), reference, wanted);
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'image-missing') throw error;
    throw new TsstackError(error.code, error.message, { hint: SOURCES_HINT, cause: error });
  }
}

type ReferenceSource = ImageSource & { readonly type: 'reference' };

const SOURCES_HINT =
  'Pull it (tsstack image pull), load it (tsstack image load), or use an image on disk (oci:DIR[:tag], oci-archive:FILE[:tag], docker-archive:FILE[:tag]), x-rootfs with a directory or tarball, or leave image out to run the programs of this machine.';

async function inImage<Result>(source: ImageSource, body: () => Promise<Result>): Promise<Result> {
  const name = `image ${JSON.stringify(imageName(source))}`;
  try {
    return await inContext(() => name, body);
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'image-missing') throw error;
    const separator = source.type === 'reference' ? ' ' : ': ';
    throw new TsstackError(error.code, `${name}${separator}${error.message}`, { hint: error.hint, cause: error.cause });
  }
}
