import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { asArray, asObject, type JsonObject, parseObject } from '../json.ts';
import { type Descriptor, parseDescriptor } from '../manifest.ts';
import { writeAtomically } from './atomic-file.ts';
import { canonicalName, parseReference } from './reference.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
/** containerd's: the whole name, where the other holds a tag only. */
const IMAGE_NAME = 'io.containerd.image.name';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** One entry of index.json. */
interface Entry {
  readonly document: JsonObject;
  readonly descriptor: Descriptor;
  /** In full; undefined: it has no name, or one that is no reference. */
  readonly name: string | undefined;
}

/**
 * The index.json of an OCI image layout: which image each name stands for. Other tools write it too, so entries and
 * members that mean nothing to us stay as they are.
 */
export class IndexFile {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What each name in full stands for; of a name that is there twice, the last. */
  names(): ReadonlyMap<string, Descriptor> {
    const named = this.#entries().flatMap(({ name, descriptor }) =>
      name === undefined ? [] : [[name, descriptor] as const],
    );
    return new Map(named);
  }

  /** Every entry, named or not. */
  roots(): readonly Descriptor[] {
    return this.#entries().map(({ descriptor }) => descriptor);
  }

  /** Lets a name (in full) stand for an image, and no longer for another. */
  set(name: string, { mediaType, digest, size }: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>): void {
    const entry = { mediaType, digest, size, annotations: { [REF_NAME]: name, [IMAGE_NAME]: name } };
    this.#write([
      ...this.#entries()
        .filter((other) => other.name !== name)
        .map(({ document }) => document),
      entry,
    ]);
  }

  /** Takes names away; true when one of them was there. */
  remove(names: ReadonlySet<string>): boolean {
    const entries = this.#entries();
    const kept = entries.filter(({ name }) => name === undefined || !names.has(name));
    if (kept.length === entries.length) return false;
    this.#write(kept.map(({ document }) => document));
    return true;
  }

  /** Takes away every entry for these digests, those without a name too. */
  removeDigests(digests: ReadonlySet<string>): void {
    this.#write(
      this.#entries()
        .filter(({ descriptor }) => !digests.has(descriptor.digest))
        .map(({ document }) => document),
    );
  }

  #entries(): readonly Entry[] {
    return asArray(this.#document()['manifests'], 'manifests').map((item) => {
      const document = asObject(item, 'an entry of index.json');
      const annotations = asObject(document['annotations'] ?? {}, 'annotations');
      const names = [annotations[IMAGE_NAME], annotations[REF_NAME]];
      return { document, descriptor: parseDescriptor(item), name: names.flatMap((name) => fullName(name) ?? [])[0] };
    });
  }

  #document(): JsonObject {
    const path = `${this.#directory}/index.json`;
    return existsSync(path) ? parseObject(readFileSync(path), path) : { schemaVersion: 2, mediaType: INDEX_TYPE };
  }

  #write(manifests: readonly JsonObject[]): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const marker = `${this.#directory}/oci-layout`;
    if (!existsSync(marker)) writeAtomically(marker, '{"imageLayoutVersion":"1.0.0"}\n');
    const text = JSON.stringify({ ...this.#document(), manifests }, null, 2);
    writeAtomically(`${this.#directory}/index.json`, `${text}\n`);
  }
}

function fullName(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return canonicalName(parseReference(text));
  } catch {
    return undefined;
  }
}
