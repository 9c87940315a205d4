import { formatBytes } from '../../lib/format-bytes.ts';
import { TsstackError } from '../../model/error.ts';
import type { ContentStore } from '../content/content-store.ts';
import { canonicalName, familiarName, type Reference } from '../content/reference.ts';
import { imageInvalid, inContext } from '../errors.ts';
import { parseObject } from '../json.ts';
import { DOCUMENT_BYTES, LIMITS_FILE } from '../limits.ts';
import { machineLimits } from '../limits-file.ts';
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES, type Manifest, parseIndex, parseManifest } from '../manifest.ts';
import {
  hostPlatform,
  nearestPlatform,
  type Platform,
  parsePlatform,
  platformDistance,
  platformFromText,
  platformName,
  platformNames,
} from '../platform.ts';
import type { Document } from './client.ts';
import { Sources } from './sources.ts';
import { forEachBlob, Progress, type TransferOptions, untilAborted, withConnections } from './transfer.ts';

export interface PullOptions extends TransferOptions {
  /** `OS/ARCHITECTURE[/VARIANT]`; this machine's unless given. */
  readonly platform?: string;
}

export interface PullResult {
  /** Of what the registry gave: an index or a manifest. The name stands for it now. */
  readonly digest: string;
  /** Digest of the configuration. */
  readonly imageId: string;
  /** Of configuration and layers. */
  readonly downloadedBytes: number;
  /** true: nothing had to be downloaded. */
  readonly alreadyThere: boolean;
}

/** As in `openOciLayout`. */
const INDEX_DEPTH = 4;

/**
 * Brings an image of a registry into the store: what the name stands for, the manifest for the platform, its configuration
 * and layers. The name is set when all of it is there; killed before, it leaves blobs that the next pull takes up. Throws
 * what `RegistryClient` throws, `registry-settings`, and `command-failed` when the disk is full.
 */
export function pullImage(store: ContentStore, reference: Reference, options: PullOptions): Promise<PullResult> {
  const name = () => `image ${JSON.stringify(familiarName(reference))}`;
  return inContext(name, () =>
    withConnections(reference.registry, options, (connections) => {
      const controller = new AbortController();
      const signal = AbortSignal.any([options.signal, controller.signal]);
      const sources = new Sources(reference, connections, options, signal);
      return new Pull(store, sources, { ...options, signal, reference, controller }).run();
    }),
  );
}

interface PullContext extends PullOptions {
  readonly reference: Reference;
  /** Ends the downloads of this pull. */
  readonly controller: AbortController;
}

class Pull {
  readonly #store: ContentStore;
  readonly #sources: Sources;
  readonly #context: PullContext;
  readonly #wanted: Platform;
  readonly #progress: Progress;
  #downloadedBytes = 0;

  constructor(store: ContentStore, sources: Sources, context: PullContext) {
    this.#store = store;
    this.#sources = sources;
    this.#context = context;
    this.#wanted = context.platform === undefined ? hostPlatform() : platformFromText(context.platform);
    this.#progress = new Progress(context.progress);
  }

  async run(): Promise<PullResult> {
    const { reference, controller, signal } = this.#context;
    const queue = { registry: reference.registry, controller, signal };
    const root = await this.#root();
    const manifest = parseManifest((await this.#manifestFor(root, 0)).data);
    checkSizes(manifest);
    const layers = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
    for (const { digest, size } of [manifest.config, ...layers])
      this.#progress.tell({ digest, state: 'waiting', bytes: 0, size });
    const fetch = (descriptor: Descriptor) => this.#fetch(descriptor);
    await forEachBlob(queue, [manifest.config], fetch);
    this.#checkConfig(manifest);
    await forEachBlob(queue, layers, fetch);
    const missing = [manifest.config, ...layers].find((descriptor) => !this.#store.has(descriptor));
    if (missing !== undefined) throw new TsstackError('image-missing', `the blob ${missing.digest} has vanished again`);
    const { digest, mediaType, data } = root;
    this.#store.index.set(canonicalName(reference), { mediaType, digest, size: data.length });
    const downloadedBytes = this.#downloadedBytes;
    return { digest, imageId: manifest.config.digest, downloadedBytes, alreadyThere: downloadedBytes === 0 };
  }

  /** What the name stands for. A digest that is here needs no registry. */
  async #root(): Promise<Document> {
    const { digest, tag = 'latest' } = this.#context.reference;
    return (
      (digest === undefined ? undefined : this.#kept(digest)) ?? this.#keep(await this.#sources.manifest(digest ?? tag))
    );
  }

  /** The manifest for the platform, out of an index or an index of indexes. */
  async #manifestFor(document: Document, depth: number): Promise<Document> {
    if (MANIFEST_TYPES.has(document.mediaType)) return document;
    if (depth > INDEX_DEPTH) throw imageInvalid(`indexes are nested more than ${INDEX_DEPTH} deep`);
    const entries = parseIndex(document.data).filter(
      ({ mediaType }) => INDEX_TYPES.has(mediaType) || MANIFEST_TYPES.has(mediaType),
    );
    const chosen = nearestPlatform(this.#wanted, entries);
    if (chosen === undefined) throw this.#otherPlatform(platformNames(entries) || 'no platform');
    const next = this.#kept(chosen.digest) ?? this.#keep(await this.#sources.manifest(chosen.digest));
    const { mediaType, data } = await next;
    if (mediaType !== chosen.mediaType || data.length !== chosen.size) {
      throw imageInvalid(
        `${chosen.digest} is ${mediaType} of ${data.length} bytes, not ${chosen.mediaType} of ${chosen.size}`,
      );
    }
    return this.#manifestFor(await next, depth + 1);
  }

  #otherPlatform(platforms: string): TsstackError {
    return new TsstackError('image-invalid', `it is for ${platforms}, not for ${platformName(this.#wanted)}`, {
      hint: 'Name one of these with --platform, or take an image that is made for this machine.',
    });
  }

  #kept(digest: string): Document | undefined {
    if (this.#store.blob(digest) === undefined) return undefined;
    const data = this.#store.document({ digest });
    const { mediaType, manifests } = parseObject(data, digest);
    if (typeof mediaType === 'string') return { mediaType, digest, data };
    const [kind] = manifests === undefined ? MANIFEST_TYPES : INDEX_TYPES;
    return { mediaType: kind ?? '', digest, data };
  }

  async #keep(document: Document): Promise<Document> {
    const { digest, data } = document;
    const { signal } = this.#context;
    const source = async function* (offset: number) {
      yield data.subarray(offset);
    };
    await untilAborted(this.#store.add({ digest, size: data.length }, source, { signal }), signal);
    return document;
  }

  #checkConfig({ config }: Manifest): void {
    const platform = parsePlatform(parseObject(this.#store.document(config), 'the configuration'));
    if (platformDistance(this.#wanted, platform) === undefined) throw this.#otherPlatform(platformName(platform));
  }

  async #fetch(descriptor: Descriptor): Promise<void> {
    const { digest, size } = descriptor;
    const tell = (state: 'downloading' | 'done' | 'exists', bytes: number) =>
      this.#progress.tell({ digest, state, bytes, size });
    if (this.#store.has(descriptor)) return tell('exists', size);
    let began: number | undefined;
    const add = async () => {
      let at = 0;
      began = undefined;
      const progress = (bytes: number) => {
        if (began !== undefined) this.#downloadedBytes += bytes - at;
        began ??= bytes;
        at = bytes;
        tell('downloading', bytes);
      };
      const { signal } = this.#context;
      const source = (offset: number) => this.#sources.blob(descriptor, offset);
      await untilAborted(this.#store.add(descriptor, source, { signal, progress }), signal);
    };
    try {
      await add();
    } catch (error) {
      if (!(error instanceof TsstackError) || error.code !== 'image-invalid') throw error;
      // What an earlier attempt left was damaged, and is gone now; or a mirror has other bytes than the registry.
      const mirrored = this.#sources.leaveMirrors();
      if (!mirrored && (began ?? 0) === 0) throw error;
      await add();
    }
    tell(began === undefined ? 'exists' : 'done', size);
  }
}

/** Before anything comes: what could not be unpacked, or not be read, is not worth the wait. */
function checkSizes({ config, layers }: Manifest): void {
  if (config.size > DOCUMENT_BYTES)
    throw imageInvalid(`its configuration has ${config.size} bytes; the limit is ${DOCUMENT_BYTES}`);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const { unpackedBytes } = machineLimits();
  if (total <= unpackedBytes) return;
  const message = `its layers have ${formatBytes(total)}; the limit is ${formatBytes(unpackedBytes)}`;
  throw new TsstackError('image-invalid', message, { hint: `If you trust it, raise "unpacked" in ${LIMITS_FILE}` });
}
