import type { BuiltLayer } from '../../image/build-cache/step-cache.ts';
import type { StoredImage } from '../../image/content/stored-image.ts';
import { chainIds } from '../../image/digest.ts';
import { asArray, asObject, type JsonObject, parseObject } from '../../image/json.ts';
import { OCI_LAYER } from '../../image/manifest.ts';
import type { Platform } from '../../image/platform.ts';
import { DEFAULT_PATH } from '../../model/default-path.ts';
import type { Values } from '../dockerfile/scope.ts';
import type { RunDocument } from '../image-config.ts';

/** A stage up to some step: what its image would be. */
export interface StageState {
  readonly platform: Platform;
  /** Bottom first. */
  readonly layers: readonly BuiltLayer[];
  readonly config: RunDocument;
  /** CMD is the Dockerfile's own, not the base image's. */
  readonly cmdSet: boolean;
  /** At the end of a stage: what a stage that begins with it sees, its arguments among them. */
  readonly variables?: Values;
  readonly author: string | undefined;
  /** As image configurations hold it. */
  readonly history: readonly JsonObject[];
  /** When the last step was done. */
  readonly createdMs: number;
  /** What the steps so far are cached under, those of the base image left out. */
  readonly steps: readonly StateStep[];
}

export interface StateStep {
  readonly key: string;
  /** Its place among the layers; -1: it has none. */
  readonly layer: number;
  readonly createdMs: number;
}

/** No files, and the configuration that BuildKit begins with. */
export function scratchState(platform: Platform): StageState {
  return {
    platform,
    layers: [],
    config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: '/' },
    cmdSet: false,
    author: undefined,
    history: [],
    createdMs: 0,
    steps: [],
  };
}

/** What FROM begins with. `read`: a document of the store by its digest. */
export function imageState(image: StoredImage, read: (digest: string) => Buffer): StageState {
  const document = parseObject(read(image.id), 'the configuration');
  const manifest = parseObject(read(image.descriptor.digest), 'the manifest');
  const types = asArray(manifest['layers'], 'layers').map((layer) => String(asObject(layer, 'layers')['mediaType']));
  const { os, architecture, variant } = document as { os?: string; architecture?: string; variant?: string };
  const created = Date.parse(String(document['created']));
  return {
    platform: { os: os ?? 'linux', architecture: architecture ?? '', ...(variant !== undefined && { variant }) },
    layers: image.manifest.layers.map(({ digest, size }, position) => ({
      mediaType: ociType(types[position] ?? ''),
      digest,
      size,
      diffId: image.layers[position]?.diffId ?? '',
    })),
    config: asObject(document['config'] ?? {}, 'config') as RunDocument,
    cmdSet: false,
    author: undefined,
    history: asArray(document['history'] ?? [], 'history').map((entry) => asObject(entry, 'history')),
    createdMs: Number.isNaN(created) ? 0 : created,
    steps: [],
  };
}

/** Docker's own types of the same formats: one manifest holds those of one family. */
function ociType(mediaType: string): string {
  const format = /\.(?:tar\.)?(gzip|zstd)$|\+(gzip|zstd)$/.exec(mediaType)?.slice(1).join('') ?? '';
  return `${OCI_LAYER}${format === '' ? '' : `+${format}`}`;
}

/** Chain ids of the layers, bottom first. */
export function chainOf({ layers }: Pick<StageState, 'layers'>): readonly string[] {
  return chainIds(layers.map(({ diffId }) => diffId));
}

/** After a step that changed files, or found nothing to change. */
export function withLayer(
  state: StageState,
  layer: BuiltLayer | undefined,
  { key, createdBy, createdMs }: { readonly key: string; readonly createdBy: string; readonly createdMs: number },
): StageState {
  const place = layer === undefined ? -1 : state.layers.length;
  return {
    ...state,
    steps: [...state.steps, { key, layer: place, createdMs }],
    layers: layer === undefined ? state.layers : [...state.layers, layer],
    history: [...state.history, historyEntry(createdBy, createdMs, layer === undefined)],
    createdMs,
  };
}

/** After an instruction that changes the configuration alone. */
export function withConfig(state: StageState, config: RunDocument, createdBy: string): StageState {
  return { ...state, config, history: [...state.history, historyEntry(createdBy, state.createdMs, true)] };
}

function historyEntry(createdBy: string, createdMs: number, isEmpty: boolean): JsonObject {
  return {
    created: new Date(createdMs).toISOString(),
    created_by: createdBy,
    comment: 'buildkit.dockerfile.v0',
    ...(isEmpty && { empty_layer: true }),
  };
}
