import { imageDirectory, type Paths } from '../store/paths.ts';

/** Unpacked layers, one directory per chain id (hex). Everything in here is whole. */
export function layerDirectory(paths: Paths, chainId: string): string {
  return `${layersDirectory(paths)}/${hex(chainId)}`;
}

export function layersDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/layers`;
}

/** Which layers an unpacked image has; written when the last of them is there. */
export function recordPath(paths: Paths, imageId: string): string {
  return `${unpackedDirectory(paths)}/${hex(imageId)}.json`;
}

export function unpackedDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/unpacked`;
}

/** Unfinished work. What lies here when its process is gone counts for nothing. */
export function stagingRoot(paths: Paths): string {
  return `${imageDirectory(paths)}/staging`;
}

/** Skeletons of the host's own root file system, by fingerprint. */
export function hostRootDirectory(paths: Paths, fingerprint: string): string {
  return `${imageDirectory(paths)}/host/${fingerprint}`;
}

/** Remembered digest of one tarball, by the hash of its path. */
export function tarballRecordPath(paths: Paths, pathHash: string): string {
  return `${imageDirectory(paths)}/tarballs/${pathHash}.json`;
}

/** What the image of one packed archive says of itself, by the hash of the archive's path and tag. */
export function archiveRecordPath(paths: Paths, keyHash: string): string {
  return `${imageDirectory(paths)}/archives/${keyHash}.json`;
}

/** The content store: an OCI image layout (image-spec image-layout.md) that other tools read and write as it stands. */
export function contentDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/content`;
}

/** Blobs on their way into the content store, by digest: what a broken transfer left is continued from here. */
export function ingestDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/ingest`;
}

/** Results of build steps, a file each by its key. */
export function stepCacheDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/build-cache/steps`;
}

/** Directories of `RUN --mount=type=cache`, by the hash of their id. */
export function cacheMountsDirectory(paths: Paths): string {
  return `${imageDirectory(paths)}/build-cache/mounts`;
}

function hex(digest: string): string {
  const value = digest.slice(digest.indexOf(':') + 1);
  if (!/^[0-9a-f]{64,128}$/.test(value)) throw new Error(`not a digest: ${JSON.stringify(digest)}`);
  return value;
}
