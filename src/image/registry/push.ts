import { TsstackError } from '../../model/error.ts';
import type { ContentStore } from '../content/content-store.ts';
import type { Expected } from '../content/ingest.ts';
import { canonicalName, familiarName, parseReference, type Reference } from '../content/reference.ts';
import { inContext } from '../errors.ts';
import { type FileRange, streamRange } from '../file-range.ts';
import type { RegistryClient } from './client.ts';
import { type CompleteImage, completeImage } from './complete-images.ts';
import {
  type BlobQueue,
  forEachBlob,
  openClient,
  Progress,
  type TransferOptions,
  withConnections,
} from './transfer.ts';

export interface PushResult {
  /** What the target's tag stands for now. */
  readonly digest: string;
  readonly uploadedBytes: number;
}

/**
 * Gives an image of the store to a registry: what the registry has not got of its layers and configurations, the
 * manifests, and last the tag. Of an index only what is wholly here is pushed. Nothing is asked of mirrors. Throws what
 * `RegistryClient` throws, `registry-settings`, and `image-missing` when there is no such name in the store.
 */
export function pushImage(
  store: ContentStore,
  source: Reference,
  target: Reference,
  options: TransferOptions,
): Promise<PushResult> {
  const { registry, repository, tag } = target;
  if (target.digest !== undefined || tag === undefined) {
    const message = `${JSON.stringify(familiarName(target))} is no name to push to: the digest follows from the content`;
    return Promise.reject(new TsstackError('usage', message, { hint: 'Name a tag: REGISTRY/NAME:TAG' }));
  }
  return inContext(
    () => `image ${JSON.stringify(familiarName(source))}`,
    () =>
      withConnections(registry, options, async (connections) => {
        const image = completeImage(store, rootOf(store, source));
        const controller = new AbortController();
        const signal = AbortSignal.any([options.signal, controller.signal]);
        const endpoint = connections.registries.endpoint(registry);
        const client = openClient({ connections, endpoint, repository, options, signal });
        // An answer to HEAD does not say why: that this port speaks TLS is said here.
        if (endpoint.origin.startsWith('http:')) await client.ping();
        const uploadedBytes = await pushBlobs(
          { store, client, target, options, queue: { registry, controller, signal } },
          image,
        );
        for (const child of image.children) await client.putManifest(child.digest, child);
        await client.putManifest(tag, image.root);
        return { digest: image.root.digest, uploadedBytes };
      }),
  );
}

function rootOf(store: ContentStore, source: Reference) {
  const name = canonicalName(source);
  const root = store.index.names().get(name);
  if (root !== undefined) return root;
  throw new TsstackError('image-missing', `There is no image ${JSON.stringify(familiarName(source))} in the store`, {
    hint: 'Pull or load it first.',
  });
}

interface Push {
  readonly store: ContentStore;
  readonly client: RegistryClient;
  readonly target: Reference;
  readonly queue: BlobQueue;
  readonly options: TransferOptions;
}

/** Gives the number of bytes that were sent. */
async function pushBlobs({ store, client, target, queue, options }: Push, { blobs }: CompleteImage): Promise<number> {
  const progress = new Progress(options.progress);
  const repositories = repositoriesOf(store, target);
  let uploaded = 0;
  for (const { digest, size } of blobs) progress.tell({ digest, state: 'waiting', bytes: 0, size });
  await forEachBlob(queue, blobs, async ({ digest, size }) => {
    const tell = (state: 'uploading' | 'done' | 'exists', bytes: number) =>
      progress.tell({ digest, state, bytes, size });
    if (await client.hasBlob(digest)) return tell('exists', size);
    const mountFrom = repositories.get(digest);
    const upload = {
      descriptor: { digest, size },
      source: reader(store, { digest, size }),
      progress: (bytes: number) => tell('uploading', bytes),
    };
    const how = await client.uploadBlob({ ...upload, ...(mountFrom !== undefined && { mountFrom }) });
    if (how === 'mounted') return tell('exists', size);
    uploaded += size;
    tell('done', size);
  });
  return uploaded;
}

function reader(store: ContentStore, { digest }: Expected): (offset: number) => AsyncIterable<Buffer> {
  return (offset) => {
    const file = store.blob(digest);
    if (file === undefined) throw new TsstackError('image-missing', `the blob ${digest} is not in the store`);
    const rest: FileRange = { ...file, start: file.start + offset, size: file.size - offset };
    return streamRange(rest);
  };
}

/** Blobs that other repositories of the target's registry have, as far as names here say: what came from there. */
function repositoriesOf(store: ContentStore, target: Reference): ReadonlyMap<string, string> {
  const repositories = new Map<string, string>();
  for (const [name, root] of store.index.names()) {
    const { registry, repository } = parseReference(name);
    if (registry !== target.registry || repository === target.repository) continue;
    for (const { digest } of blobsOf(store, root)) repositories.set(digest, repository);
  }
  return repositories;
}

/** Of an image that cannot be read, none: it is not the one that is pushed. */
function blobsOf(store: ContentStore, root: Parameters<typeof completeImage>[1]): readonly Expected[] {
  try {
    return completeImage(store, root).blobs;
  } catch {
    return [];
  }
}
