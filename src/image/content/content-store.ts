import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { TsstackError } from '../../model/error.ts';
import type { Paths } from '../../store/paths.ts';
import { checkDigest, hashFor, parseDigest } from '../digest.ts';
import { imageInvalid } from '../errors.ts';
import { type FileRange, type ImageFiles, openDirectory, readRange, regularFile } from '../file-range.ts';
import { DOCUMENT_BYTES } from '../limits.ts';
import type { Descriptor } from '../manifest.ts';
import { contentDirectory, ingestDirectory } from '../store-layout.ts';
import { writeAtomically } from './atomic-file.ts';
import { IndexFile } from './index-file.ts';
import { type Expected, Ingest } from './ingest.ts';
import { NewIngest } from './new-ingest.ts';

/** The bytes of a blob from an offset on. It may be asked for again, further on, after it has broken off. */
export type BlobSource = (offset: number) => AsyncIterable<Buffer>;

export interface AddOptions {
  readonly signal: AbortSignal;
  /** Bytes that are there, counted from 0, whenever there are more. */
  readonly progress?: (bytes: number) => void;
}

/**
 * The images of this machine as an OCI image layout: blobs by digest, names in index.json. A blob that has its name is
 * whole; whatever else lies in `images/ingest` counts for nothing until its digest has been checked.
 */
export class ContentStore {
  readonly index: IndexFile;
  readonly #directory: string;
  readonly #ingests: string;
  /** Blobs that are coming in, by digest: who wants the same waits for it. */
  readonly #coming = new Map<string, Promise<void>>();
  /** Names of blobs that are being made. */
  readonly #making = new Set<string>();

  constructor(paths: Paths) {
    this.#directory = contentDirectory(paths);
    this.#ingests = ingestDirectory(paths);
    this.index = new IndexFile(this.#directory);
  }

  /** The layout's files, as `openOciLayout` reads them. Throws `image-missing` when nothing was ever stored. */
  get files(): ImageFiles {
    return openDirectory(this.#directory);
  }

  /** undefined: it is not there. */
  blob(digest: string): FileRange | undefined {
    return regularFile(this.blobPath(digest));
  }

  /** Where a blob lies, or would. Throws `image-invalid` for what is no digest. */
  blobPath(digest: string): string {
    return `${this.#directory}/blobs/${parseDigest(digest).replace(':', '/')}`;
  }

  /** Throws `image-invalid` when a blob of that digest is there with another size: one of the two lies. */
  has({ digest, size }: Expected): boolean {
    const found = this.blob(digest);
    if (found === undefined) return false;
    if (found.size !== size) throw imageInvalid(`the blob ${digest} has ${found.size} bytes, not ${size}`);
    return true;
  }

  /** A document (manifest, index, configuration) with its digest checked. Throws `image-missing`, `image-invalid`. */
  document({ digest }: Pick<Descriptor, 'digest'>): Buffer {
    const range = this.blob(digest);
    if (range === undefined) throw new TsstackError('image-missing', `the blob ${digest} is not in the store`);
    const data = readRange(range, DOCUMENT_BYTES);
    checkDigest(hashFor(digest).update(data), digest, 'a document of the store');
    return data;
  }

  /** Stores a document of ours; its descriptor. */
  addDocument(data: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } {
    const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
    const path = this.blobPath(digest);
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeAtomically(path, data);
    }
    return { mediaType, digest, size: data.length };
  }

  /**
   * Stores what is made here, whose digest is known at its end only. Throws `cancelled` and what `source` throws; then
   * nothing of it is kept.
   */
  async addUnknown(source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Expected> {
    const ingest = new NewIngest(this.#ingests);
    this.#making.add(ingest.name);
    try {
      for await (const chunk of source) {
        if (signal.aborted) throw new TsstackError('cancelled', 'writing a layer was cancelled');
        ingest.write(chunk);
      }
      return ingest.finish((digest) => this.blobPath(digest));
    } finally {
      ingest.discard();
      this.#making.delete(ingest.name);
    }
  }

  /**
   * Stores a blob, once however many ask for it at the same time. Throws `image-invalid` when it is not what was promised,
   * `cancelled`, and what `source` throws; then what has come is kept, and continued at the next attempt.
   */
  async add(expected: Expected, source: BlobSource, options: AddOptions): Promise<void> {
    for (let other = this.#coming.get(expected.digest); other !== undefined; ) {
      // Whether it came or not: if not, it is our turn.
      await other.catch(() => undefined);
      other = this.#coming.get(expected.digest);
    }
    if (this.has(expected)) return;
    const turn = this.#ingest(expected, source, options);
    this.#coming.set(expected.digest, turn);
    try {
      await turn;
    } finally {
      this.#coming.delete(expected.digest);
    }
  }

  async #ingest(expected: Expected, source: BlobSource, { signal, progress }: AddOptions): Promise<void> {
    const ingest = new Ingest(this.#ingestPath(expected.digest), expected);
    try {
      progress?.(ingest.offset);
      const rest = ingest.offset < expected.size ? source(ingest.offset) : [];
      for await (const chunk of rest) {
        if (signal.aborted) throw new TsstackError('cancelled', 'the transfer was cancelled');
        ingest.write(chunk);
        progress?.(ingest.offset);
      }
      ingest.finish(this.blobPath(expected.digest));
    } finally {
      ingest.suspend();
    }
  }

  #ingestPath(digest: string): string {
    return `${this.#ingests}/${parseDigest(digest).replace(':', '-')}`;
  }

  /** Digests of every blob that is there. */
  digests(): readonly string[] {
    return ['sha256', 'sha512'].flatMap((algorithm) =>
      namesIn(`${this.#directory}/blobs/${algorithm}`)
        .filter((name) => /^[0-9a-f]+$/.test(name))
        .map((name) => `${algorithm}:${name}`),
    );
  }

  /** Removes a blob; the bytes that are free now. */
  remove(digest: string): number {
    const path = this.blobPath(digest);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    rmSync(path, { force: true });
    return size;
  }

  /** Removes what broken transfers have left, but for those that are going on; the bytes that are free now. */
  removeIngests(): number {
    let freed = 0;
    for (const name of namesIn(this.#ingests)) {
      if (this.#coming.has(name.replace('-', ':')) || this.#making.has(name)) continue;
      freed += statSync(`${this.#ingests}/${name}`, { throwIfNoEntry: false })?.size ?? 0;
      rmSync(`${this.#ingests}/${name}`, { force: true });
    }
    return freed;
  }
}

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
