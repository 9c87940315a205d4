import { TsstackError } from '../../model/error.ts';
import type { Expected } from '../content/ingest.ts';
import type { Reference } from '../content/reference.ts';
import type { Document, RegistryClient } from './client.ts';
import type { Connections } from './connections.ts';
import { openClient, type TransferOptions } from './transfer.ts';

/** A mirror that fails costs the time of so many attempts only. */
const MIRROR_ATTEMPTS = 2;

/** Who has a repository: the mirrors of its registry in their order, then the registry. */
export class Sources {
  readonly #warn: ((message: string) => void) | undefined;
  /** Those that have not failed yet. Whoever gave the manifest is asked first for its blobs. */
  #clients: readonly RegistryClient[];

  constructor(reference: Reference, connections: Connections, options: TransferOptions, signal: AbortSignal) {
    const { registry, repository } = reference;
    const { registries } = connections;
    const mirrors = registries.mirrors(registry).map((endpoint) => ({ endpoint, attempts: MIRROR_ATTEMPTS }));
    this.#warn = options.warn;
    for (const { endpoint } of mirrors) for (const each of registries.warnings(endpoint.name)) this.#warn?.(each);
    this.#clients = [...mirrors, { endpoint: registries.endpoint(registry) }].map((each) =>
      openClient({ ...each, connections, repository, options, signal }),
    );
  }

  manifest(reference: string): Promise<Document> {
    return this.#firstOf((client) => client.manifest(reference));
  }

  /** The bytes from `offset` on; where one source gives up, the next goes on. */
  async *blob(expected: Expected, offset: number): AsyncGenerator<Buffer> {
    let at = offset;
    for (const client of this.#clients) {
      try {
        for await (const chunk of client.blob(expected, at)) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        this.#next(client, error);
      }
    }
  }

  /** From now on the registry itself is asked; false: it was already. */
  leaveMirrors(): boolean {
    const mirrored = this.#clients.length > 1;
    if (mirrored) this.#warn?.('A mirror has other bytes than the image, the registry is asked.');
    this.#clients = this.#clients.slice(-1);
    return mirrored;
  }

  async #firstOf<Result>(ask: (client: RegistryClient) => Promise<Result>): Promise<Result> {
    for (const client of this.#clients) {
      try {
        return await ask(client);
      } catch (error) {
        this.#next(client, error);
      }
    }
    throw new Error('no registry to ask');
  }

  /** Throws what is no matter of this source, and what nobody else can mend. */
  #next(client: RegistryClient, error: unknown): void {
    const passable = error instanceof TsstackError && error.code !== 'cancelled';
    if (!passable || client === this.#clients.at(-1)) throw error;
    // A mirror that has not got something may have the next; one that fails would fail for every blob.
    if (error.code !== 'image-missing') this.#clients = this.#clients.filter((each) => each !== client);
    this.#warn?.(`A mirror does not help, the next is asked. ${error.message}`);
  }
}
