import { parseDigest } from './digest.ts';
import { imageInvalid } from './errors.ts';
import { asArray, asObject, asText, type JsonObject, parseObject } from './json.ts';
import { LAYERS } from './limits.ts';
import { type Platform, parsePlatform } from './platform.ts';

/** Media types of the OCI image-spec (media-types.md); a packed layer's has `+gzip` or `+zstd` behind it. */
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** OCI image-spec descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform: Platform;
  /** Annotation `org.opencontainers.image.ref.name`; empty when there is none. */
  readonly refName: string;
}

export interface Manifest {
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
}

export const INDEX_TYPES: ReadonlySet<string> = new Set([
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);

export const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  OCI_MANIFEST,
  'application/vnd.docker.distribution.manifest.v2+json',
]);

const CONFIG_TYPES: ReadonlySet<string> = new Set([OCI_CONFIG, 'application/vnd.docker.container.image.v1+json']);

/** Non-distributable layers are not here: their content lies at an address of the image's choice. */
const LAYER_TYPES: ReadonlySet<string> = new Set([
  OCI_LAYER,
  `${OCI_LAYER}+gzip`,
  `${OCI_LAYER}+zstd`,
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
]);

/** OCI image-spec image-index.md. Throws `image-invalid`. */
export function parseIndex(text: Buffer): readonly Descriptor[] {
  const document = versioned(text, 'the index', INDEX_TYPES);
  if ('layers' in document || 'config' in document) throw imageInvalid('the index has layers: it is ambiguous');
  return asArray(document['manifests'], 'manifests').map(parseDescriptor);
}

/** OCI image-spec manifest.md. Throws `image-invalid`. */
export function parseManifest(text: Buffer): Manifest {
  const document = versioned(text, 'the manifest', MANIFEST_TYPES);
  // CVE-2021-41190: a document that is both is read differently by different tools.
  if ('manifests' in document) throw imageInvalid('the manifest lists manifests: it is ambiguous');
  const config = parseDescriptor(document['config']);
  if (!CONFIG_TYPES.has(config.mediaType)) throw imageInvalid(`its configuration is of type "${config.mediaType}"`);
  const layers = asArray(document['layers'], 'layers').map(parseDescriptor);
  checkLayerCount(layers.length);
  for (const { mediaType } of layers) {
    if (!LAYER_TYPES.has(mediaType)) throw imageInvalid(`a layer is of the unknown type "${mediaType}"`);
  }
  return { config, layers };
}

export function checkLayerCount(count: number): void {
  if (count > LAYERS) throw imageInvalid(`it has ${count} layers; the limit is ${LAYERS}`);
}

function versioned(text: Buffer, what: string, types: ReadonlySet<string>): JsonObject {
  const document = parseObject(text, what);
  if (document['schemaVersion'] !== 2) {
    throw imageInvalid(`${what} has the schema version ${JSON.stringify(document['schemaVersion'])}, not 2`);
  }
  const mediaType = asText(document['mediaType'], 'mediaType');
  if (mediaType !== '' && !types.has(mediaType)) throw imageInvalid(`${what} is of type "${mediaType}"`);
  return document;
}

export function parseDescriptor(value: unknown): Descriptor {
  const document = asObject(value, 'a descriptor');
  const size = document['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw imageInvalid(`a descriptor gives the size ${JSON.stringify(size)}`);
  }
  const platform = asObject(document['platform'] ?? {}, 'platform');
  const annotations = asObject(document['annotations'] ?? {}, 'annotations');
  return {
    mediaType: asText(document['mediaType'], 'mediaType'),
    digest: parseDigest(document['digest']),
    size,
    platform: parsePlatform(platform),
    refName: asText(annotations['org.opencontainers.image.ref.name'], 'ref.name'),
  };
}
