import { TsstackError } from '../model/error.ts';
import { parseConfig } from './config.ts';
import { sha256 } from './digest.ts';
import { imageInvalid } from './errors.ts';
import { type FileRange, type ImageFiles, readRange } from './file-range.ts';
import { asArray, asObject, asStrings, asText, parseJson } from './json.ts';
import { DOCUMENT_BYTES } from './limits.ts';
import { checkLayerCount } from './manifest.ts';
import type { OpenedImage } from './opened-image.ts';
import { checkPlatform, hostPlatform } from './platform.ts';

/** An entry of manifest.json; names of members. */
export interface SavedImage {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/** Grammar of the distribution reference package: host, path components, tag. */
const REFERENCE = /^(?:[A-Za-z0-9.-]+(?::[0-9]+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:[\w][\w.-]{0,127}$/;

/**
 * An image of what `docker save` writes (Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset Format").
 * Throws `image-invalid`, and `image-missing` when the tag is not there or there are several and none was named.
 */
export function openDockerArchive(files: ImageFiles, tag: string | undefined): OpenedImage {
  const image = choose(savedImages(files), tag);
  const configText = readRange(savedMember(files, image.config), DOCUMENT_BYTES);
  const { about, config, diffIds, platform } = parseConfig(configText);
  checkPlatform(hostPlatform(), platform);
  checkLayerCount(image.layers.length);
  if (diffIds.length !== image.layers.length) {
    throw imageInvalid(`${image.layers.length} layers, but ${diffIds.length} diff_ids`);
  }
  const layers = image.layers.map((name, position) => ({
    file: savedMember(files, name),
    diffId: diffIds[position] ?? '',
  }));
  return { id: sha256(configText), config, about, layers };
}

/** Every image of such an archive. Throws `image-invalid`. */
export function savedImages(files: ImageFiles): readonly SavedImage[] {
  const text = readRange(savedMember(files, 'manifest.json'), DOCUMENT_BYTES);
  return asArray(parseJson(text, 'manifest.json'), 'manifest.json').map(parseSavedImage);
}

function parseSavedImage(value: unknown): SavedImage {
  const document = asObject(value, 'an image of manifest.json');
  const tags = asStrings(document['RepoTags'], 'RepoTags');
  for (const tag of tags) {
    if (!REFERENCE.test(tag)) throw imageInvalid(`${JSON.stringify(tag.slice(0, 200))} is not an image reference`);
  }
  return { config: asText(document['Config'], 'Config'), tags, layers: asStrings(document['Layers'], 'Layers') };
}

function choose(images: readonly SavedImage[], tag: string | undefined): SavedImage {
  const matches = (name: string): boolean => name === tag || name.endsWith(`:${tag}`) || name.endsWith(`/${tag}`);
  const found = tag === undefined ? images : images.filter(({ tags }) => tags.some(matches));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const names = images.flatMap(({ tags }) => tags).map((name) => JSON.stringify(name));
  throw new TsstackError(
    'image-missing',
    found.length === 0
      ? `it holds no image${tag === undefined ? '' : ` "${tag}"`}`
      : `it holds ${found.length} images${tag === undefined ? ' and no tag was named' : ` "${tag}"`}`,
    { hint: names.length === 0 ? 'None of its images has a tag.' : `Its tags are ${names.slice(0, 20).join(', ')}.` },
  );
}

/** Names are looked up among the archive's members and never opened as paths. */
export function savedMember(files: ImageFiles, name: string): FileRange {
  const file = files.find(name);
  if (file === undefined) throw imageInvalid(`${JSON.stringify(name.slice(0, 200))} is not a file in the archive`);
  return file;
}
