import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { asArray, asObject, type JsonObject, parseObject } from '../json.ts';
import { type Descriptor, OCI_INDEX, parseDescriptor } from '../manifest.ts';
import { writeAtomically } from './atomic-file.ts';
import { nameInFull } from './reference.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
/** containerd's: the whole name, where the other holds a tag only. */
const IMAGE_NAME = 'io.containerd.image.name';
/** Ours: when a name was last set, RFC 3339. */
const NAMED_AT = 'io.tsstack.named-at';

export interface NamedDescriptor {
  readonly descriptor: Descriptor;
  /** In full; undefined: it has no name, or one that is no reference. */
  readonly name: string | undefined;
}

/** One entry of index.json, and all that it says. */
interface Entry extends NamedDescriptor {
  readonly document: JsonObject;
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

  /**
   * Lets a name (in full) stand for an image, and no longer for another: that one stays, without a name if it had no other,
   * until it is removed.
   */
  set(name: string, { mediaType, digest, size }: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>): void {
    const entries = this.#entries();
    const others = entries.filter((entry) => entry.name !== name);
    const nameless = entries.filter(
      (entry) =>
        entry.name === name && !isOf(entry, digest) && !others.some((other) => isOf(other, entry.descriptor.digest)),
    );
    const annotations = { [REF_NAME]: name, [IMAGE_NAME]: name, [NAMED_AT]: new Date().toISOString() };
    this.#write([
      ...others.map(({ document }) => document),
      ...nameless.map(({ descriptor }) => ({
        mediaType: descriptor.mediaType,
        digest: descriptor.digest,
        size: descriptor.size,
      })),
      { mediaType, digest, size, annotations },
    ]);
  }

  /** When a name (in full) was last set by us; undefined: not known. */
  namedAtMs(name: string): number | undefined {
    const entry = this.#entries().find((each) => each.name === name);
    const annotations = asObject(entry?.document['annotations'] ?? {}, 'annotations');
    const time = Date.parse(String(annotations[NAMED_AT]));
    return Number.isNaN(time) ? undefined : time;
  }

  /** Keeps an image that has no name. */
  add({ mediaType, digest, size }: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>): void {
    const entries = this.#entries();
    if (entries.some(({ descriptor }) => descriptor.digest === digest)) return;
    this.#write([...entries.map(({ document }) => document), { mediaType, digest, size }]);
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
    const kept = this.#entries().filter(({ descriptor }) => !digests.has(descriptor.digest));
    this.#write(kept.map(({ document }) => document));
  }

  #entries(): readonly Entry[] {
    return entriesOf(this.#document());
  }

  #document(): JsonObject {
    const path = `${this.#directory}/index.json`;
    return existsSync(path) ? parseObject(readFileSync(path), path) : { schemaVersion: 2, mediaType: OCI_INDEX };
  }

  #write(manifests: readonly JsonObject[]): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const marker = `${this.#directory}/oci-layout`;
    if (!existsSync(marker)) writeAtomically(marker, '{"imageLayoutVersion":"1.0.0"}\n');
    const text = JSON.stringify({ ...this.#document(), manifests }, null, 2);
    writeAtomically(`${this.#directory}/index.json`, `${text}\n`);
  }
}

/** The entries of an index.json with their names. Throws `image-invalid`. */
export function parseNamedIndex(text: Buffer): readonly NamedDescriptor[] {
  return entriesOf(parseObject(text, 'index.json'));
}

function entriesOf(index: JsonObject): readonly Entry[] {
  return asArray(index['manifests'], 'manifests').map((item) => {
    const document = asObject(item, 'an entry of index.json');
    const annotations = asObject(document['annotations'] ?? {}, 'annotations');
    const names = [annotations[IMAGE_NAME], annotations[REF_NAME]];
    return {
      document,
      descriptor: parseDescriptor(item),
      name: names.flatMap((name) => (typeof name === 'string' ? (nameInFull(name) ?? []) : []))[0],
    };
  });
}

function isOf({ descriptor }: Entry, digest: string): boolean {
  return descriptor.digest === digest;
}
