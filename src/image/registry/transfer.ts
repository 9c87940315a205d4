import PQueue from 'p-queue';
import { TsstackError } from '../../model/error.ts';
import { RegistryClient } from './client.ts';
import { Connections } from './connections.ts';
import { findCredentials } from './credentials.ts';
import { type Endpoint, Registries, type RegistryOptions } from './registries.ts';
import { DEFAULT_TIMING, type Timing } from './retry.ts';

/** What becomes of one blob of a pull or push. */
export interface TransferEvent {
  readonly digest: string;
  /** `exists`: it was where it should go, or somebody else brings it there; nothing was sent. */
  readonly state: 'waiting' | 'downloading' | 'uploading' | 'done' | 'exists';
  /** Of it, so far. */
  readonly bytes: number;
  readonly size: number;
}

export interface TransferOptions extends RegistryOptions {
  readonly signal: AbortSignal;
  /** Every change of state, and bytes ten times a second. */
  readonly progress?: (event: TransferEvent) => void;
  /** What the user should know and what stops nothing: a mirror that fails, a certificate that nobody checks. */
  readonly warn?: (message: string) => void;
  readonly timing?: Partial<Timing>;
}

/** Blobs at a time, of one registry, however many images. */
const AT_A_TIME = 4;
const queues = new Map<string, PQueue>();

/** Where blobs come from or go to, and how that ends. */
export interface BlobQueue {
  readonly registry: string;
  /** Ends this pull or push, and nothing else. */
  readonly controller: AbortController;
  /** Of the user or of `controller`. */
  readonly signal: AbortSignal;
}

/**
 * Runs `body` for every item, some at a time; after the first failure the rest is given up and that failure thrown. Who
 * cancels does not wait for those of other images, which may be before him.
 */
export async function forEachBlob<Item>(
  { registry, controller, signal }: BlobQueue,
  items: readonly Item[],
  body: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = queues.get(registry) ?? new PQueue({ concurrency: AT_A_TIME });
  queues.set(registry, queue);
  let failed: { readonly error: unknown } | undefined;
  const one = async (item: Item) => {
    try {
      if (!signal.aborted) await body(item);
    } catch (error) {
      failed ??= { error };
      controller.abort();
    }
  };
  const all = Promise.all(items.map((item) => queue.add(() => one(item))));
  try {
    await untilAborted(all, signal);
  } catch (error) {
    failed ??= { error };
  }
  if (failed !== undefined) throw failed.error;
}

/** Tells of blobs, not more often than a person can see. */
export class Progress {
  readonly #tell: ((event: TransferEvent) => void) | undefined;
  readonly #last = new Map<string, { state: string; atMs: number }>();

  constructor(tell: ((event: TransferEvent) => void) | undefined) {
    this.#tell = tell;
  }

  tell(event: TransferEvent): void {
    const last = this.#last.get(event.digest);
    const atMs = performance.now();
    if (last?.state === event.state && atMs - last.atMs < 100) return;
    this.#last.set(event.digest, { state: event.state, atMs });
    this.#tell?.(event);
  }
}

/** Runs `body` with connections that are closed afterwards. Errors of the settings come before anything is asked. */
export async function withConnections<Result>(
  registry: string,
  options: TransferOptions,
  body: (connections: Connections) => Promise<Result>,
): Promise<Result> {
  const registries = new Registries(options);
  for (const warning of registries.warnings(registry)) options.warn?.(warning);
  const connections = new Connections(registries, { ...DEFAULT_TIMING, ...options.timing });
  try {
    return await body(connections);
  } finally {
    await connections.close();
  }
}

export interface OpenOptions {
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly options: TransferOptions;
  readonly signal: AbortSignal;
  readonly attempts?: number;
}

/** A client with the user's credentials for this registry, and for no other. */
export function openClient({ options, endpoint, ...rest }: OpenOptions): RegistryClient {
  const { env } = options;
  const credentials = () => findCredentials({ registry: endpoint.name, env, signal: rest.signal });
  return new RegistryClient({ ...rest, endpoint, credentials });
}

/** What `promise` gives, unless it is cancelled before; the work itself ends by its own signal. */
export async function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new TsstackError('cancelled', 'the transfer was cancelled'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
