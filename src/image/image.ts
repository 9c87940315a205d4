import type { Host } from '../host/host.ts';
import type { ImageInfo, RootFilesystem } from '../model/image.ts';
import type { ImageSource } from '../model/stack.ts';
import type { Paths } from '../store/paths.ts';

export interface ImageContext {
  readonly host: Host;
  readonly paths: Paths;
}

/** One word for a source, the key of `ObservedState.images`: `host`, `rootfs:/x`, `oci:/dir:latest`, … */
export function imageKey(_source: ImageSource): string {
  throw new Error('not written yet');
}

/** Reads manifest and configuration, unpacks nothing. Throws `image-missing`, `image-invalid`. */
export async function inspectImage(_context: ImageContext, _source: ImageSource): Promise<ImageInfo> {
  throw new Error('not written yet');
}

/** Verifies and unpacks every layer that is not in the store yet. Killed at any moment it leaves nothing that counts. */
export async function unpackImage(
  _context: ImageContext,
  _source: ImageSource,
  _imageId: string,
  _signal: AbortSignal,
): Promise<void> {
  throw new Error('not written yet');
}

/** The lower directories of an unpacked image. */
export async function rootFilesystem(
  _context: ImageContext,
  _source: ImageSource,
  _imageId: string,
): Promise<RootFilesystem> {
  throw new Error('not written yet');
}

/**
 * A small text file of a root filesystem (/etc/passwd), looked up through `upper` and the lower directories with
 * whiteouts, never following a link out of them. undefined when it is not there or over 1 MiB.
 */
export function readRootFile(
  _host: Host,
  _rootfs: RootFilesystem,
  _layersDirectory: string,
  _path: string,
): string | undefined {
  throw new Error('not written yet');
}
