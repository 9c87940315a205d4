import { TsstackError } from '../model/error.ts';
import type { ImageAbout } from '../model/image.ts';
import { parseConfig } from './config.ts';
import { checkDigest, hashFor } from './digest.ts';
import { imageInvalid } from './errors.ts';
import { type FileRange, type ImageFiles, readRange } from './file-range.ts';
import { parseObject } from './json.ts';
import { DOCUMENT_BYTES } from './limits.ts';
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES, type Manifest, parseIndex, parseManifest } from './manifest.ts';
import type { OpenedImage } from './opened-image.ts';
import {
  checkPlatform,
  hostPlatform,
  nearestPlatform,
  type Platform,
  platformName,
  platformNames,
} from './platform.ts';

/** An index names a manifest or an index; nobody nests more than twice. */
export const INDEX_DEPTH = 4;

/**
 * An image of an OCI image layout (image-spec image-layout.md), in a directory or an archive. Throws `image-invalid`,
 * and `image-missing` when the tag is not there or there are several and none was named. `platform`: the machine's own unless
 * said otherwise.
 */
export function openOciLayout(
  files: ImageFiles,
  tag: string | undefined,
  platform: Platform = hostPlatform(),
): RootedImage {
  checkLayout(files);
  const index = files.find('index.json');
  if (index === undefined) throw imageInvalid('there is no index.json');
  return openRoot(files, chooseTag(parseIndex(readRange(index, DOCUMENT_BYTES)), tag), platform);
}

/**
 * The image for a platform (undefined: the first that is there) that an entry of an index leads to, or several entries of
 * one name. Throws `image-invalid`.
 */
export function openRoot(files: ImageFiles, entries: readonly Descriptor[], wanted: Platform | undefined): RootedImage {
  const descriptor = choosePlatform(files, { entries, wanted }, 0);
  const manifest = parseManifest(readBlob(files, descriptor));
  const { about, config, diffIds, platform } = parseConfig(readBlob(files, manifest.config));
  if (wanted !== undefined) checkPlatform(wanted, platform);
  if (diffIds.length !== manifest.layers.length) {
    throw imageInvalid(`${manifest.layers.length} layers, but ${diffIds.length} diff_ids`);
  }
  const layers = manifest.layers.map((layer, position) => ({
    file: blobFile(files, layer),
    digest: layer.digest,
    diffId: diffIds[position] ?? '',
  }));
  return { id: manifest.config.digest, config, about, layers, descriptor, manifest };
}

/** An image with the documents that led to it. */
export interface RootedImage extends OpenedImage {
  readonly about: ImageAbout;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
}

export function checkLayout(files: ImageFiles): void {
  const layout = files.find('oci-layout');
  if (layout === undefined) throw imageInvalid('there is no oci-layout file: it is no OCI image layout');
  const version = parseObject(readRange(layout, DOCUMENT_BYTES), 'oci-layout')['imageLayoutVersion'];
  if (version !== '1.0.0') throw imageInvalid(`imageLayoutVersion is ${JSON.stringify(version)}, not "1.0.0"`);
}

function chooseTag(entries: readonly Descriptor[], tag: string | undefined): readonly Descriptor[] {
  const tags = [...new Set(entries.map(({ refName }) => refName))];
  const found = tag === undefined ? tags : tags.filter((name) => name === tag || name.endsWith(`:${tag}`));
  const [only] = found;
  if (only !== undefined && found.length === 1) return entries.filter(({ refName }) => refName === only);
  if (entries.length === 0) throw imageInvalid('its index is empty');
  const names = tags.filter((name) => name !== '').map((name) => JSON.stringify(name));
  throw new TsstackError(
    'image-missing',
    tag === undefined ? `it holds ${found.length} images and no tag was named` : `it holds no image "${tag}"`,
    { hint: names.length === 0 ? 'None of its images has a tag.' : `Its tags are ${names.slice(0, 20).join(', ')}.` },
  );
}

function choosePlatform(
  files: ImageFiles,
  { entries, wanted }: { readonly entries: readonly Descriptor[]; readonly wanted: Platform | undefined },
  depth: number,
): Descriptor {
  if (depth > INDEX_DEPTH) throw imageInvalid(`indexes are nested more than ${INDEX_DEPTH} deep`);
  const usable = entries.filter(({ mediaType }) => INDEX_TYPES.has(mediaType) || MANIFEST_TYPES.has(mediaType));
  // Of an index, a store may have what was asked for and no more.
  const there = usable.filter(({ digest }) => files.find(blobName(digest)) !== undefined);
  const chosen = wanted === undefined ? there[0] : (nearestPlatform(wanted, there) ?? nearestPlatform(wanted, usable));
  if (chosen === undefined) {
    const asked = wanted === undefined ? 'any platform' : platformName(wanted);
    throw imageInvalid(`it is for ${platformNames(usable) || 'nothing that runs'}, not for ${asked}`);
  }
  if (MANIFEST_TYPES.has(chosen.mediaType)) return chosen;
  return choosePlatform(files, { entries: parseIndex(readBlob(files, chosen)), wanted }, depth + 1);
}

/** A document by its descriptor, verified. */
export function readBlob(files: ImageFiles, descriptor: Descriptor): Buffer {
  const data = readRange(blobFile(files, descriptor), DOCUMENT_BYTES);
  checkDigest(hashFor(descriptor.digest).update(data), descriptor.digest, 'a document');
  return data;
}

/** A digest has been checked to be one, so it cannot be a path to elsewhere. */
export function blobFile(files: ImageFiles, { digest, size }: Descriptor): FileRange {
  const file = files.find(blobName(digest));
  if (file === undefined) throw imageInvalid(`the blob ${digest} is missing`);
  if (file.size !== size) throw imageInvalid(`the blob ${digest} has ${file.size} bytes, not ${size}`);
  return file;
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
