import type { ContentStore } from '../../image/content/content-store.ts';
import { type Descriptor, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../image/manifest.ts';
import { hostPlatform, type Platform, platformDistance } from '../../image/platform.ts';
import { stepAnnotations } from './inline-cache.ts';
import type { StageState } from './state.ts';

export interface Built {
  /** Of the manifest, or of the index of several platforms. */
  readonly root: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  /** Of the configuration; of several platforms that of this machine, or else the first. */
  readonly id: string;
}

/** Stores a stage as an image. The same stage gives the same bytes. */
export function writeImage(
  store: ContentStore,
  state: StageState,
  { labels }: { readonly labels: Readonly<Record<string, string>> },
): Built {
  const { platform, layers, author, history, createdMs } = state;
  const all = { ...state.config.Labels, ...labels };
  const { OnBuild, ...config } = { ...state.config, ...(Object.keys(all).length > 0 && { Labels: all }) };
  const document = {
    created: new Date(createdMs).toISOString(),
    ...(author !== undefined && { author }),
    architecture: platform.architecture,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    os: platform.os,
    config: { ...config, ...(OnBuild !== null && OnBuild !== undefined && { OnBuild }) },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history,
  };
  const configuration = store.addDocument(Buffer.from(JSON.stringify(document)), OCI_CONFIG);
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: configuration,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    annotations: stepAnnotations(state),
  };
  const root = store.addDocument(Buffer.from(JSON.stringify(manifest)), OCI_MANIFEST);
  return { root, id: configuration.digest };
}

/** Stores the images of several platforms as one. */
export function writeIndex(store: ContentStore, built: readonly (Built & { readonly platform: Platform })[]): Built {
  const manifests = built.map(({ root, platform }) => ({ ...root, platform }));
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  const root = store.addDocument(Buffer.from(JSON.stringify(index)), OCI_INDEX);
  const own = built.find(({ platform }) => platformDistance(hostPlatform(), platform) !== undefined) ?? built[0];
  return { root, id: own?.id ?? '' };
}
