import { closeSync, constants, createReadStream, lstatSync, openSync } from 'node:fs';
import { byteString, kindOf, raw, readDirectoryBytes, readLinkBytes } from '../../image/layer/byte-fs.ts';
import { OverlayView } from '../../image/overlay-view.ts';
import { readXattrs, type Xattrs } from '../layer/read-xattrs.ts';
import { hashContent } from './hash-content.ts';
import { entryOf } from './scan.ts';
import { joinPath, type ReadableTree, type TreeEntry } from './tree.ts';

/**
 * Unpacked layers as one tree, as overlayfs would show them, without mounting them. Layers never change, so what was once
 * looked at is remembered.
 */
export class ImageTree implements ReadableTree {
  readonly #layers: readonly string[];
  readonly #view: OverlayView;
  readonly #known = new Map<string, { readonly entry: TreeEntry; readonly realPath: string } | undefined>();
  readonly #hashes = new Map<string, Promise<string>>();
  readonly #xattrs = new Map<string, Promise<ReadonlyMap<string, Xattrs>>>();

  /** `layers`: top first. */
  constructor(layers: readonly string[]) {
    this.#layers = layers.map(byteString);
    this.#view = new OverlayView(this.#layers, kindOf);
  }

  entry(path: string): TreeEntry | undefined {
    return this.#find(path)?.entry;
  }

  children(path: string): readonly string[] {
    const names = new Set(this.#view.directories(path).flatMap(readDirectoryBytes));
    return [...names].filter((name) => this.#view.entry(joinPath(path, name)) !== undefined).sort();
  }

  async *read({ path }: TreeEntry): AsyncGenerator<Buffer> {
    const found = this.#find(path);
    if (found === undefined) throw new Error(`no entry of this tree: ${path}`);
    const descriptor = openSync(raw(found.realPath), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      yield* createReadStream('', { fd: descriptor, autoClose: false }) as AsyncIterable<Buffer>;
    } finally {
      closeSync(descriptor);
    }
  }

  contentHash(entry: TreeEntry): Promise<string> {
    const known = this.#hashes.get(entry.path) ?? hashContent(this.read(entry));
    this.#hashes.set(entry.path, known);
    return known;
  }

  /** Each layer that something of it lies in is read once, wholly: Node has no call for one file's. */
  async xattrs(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Xattrs>> {
    const found = new Map<string, Xattrs>();
    for (const path of paths) {
      const realPath = this.#find(path)?.realPath;
      const layer = this.#layers.find((each) => realPath?.startsWith(`${each}/`));
      if (realPath === undefined || layer === undefined) continue;
      const all = this.#xattrs.get(layer) ?? readXattrs(raw(layer).toString(), signal);
      this.#xattrs.set(layer, all);
      const xattrs = (await all).get(realPath.slice(layer.length + 1));
      if (xattrs !== undefined) found.set(path, xattrs);
    }
    return found;
  }

  #find(path: string): { readonly entry: TreeEntry; readonly realPath: string } | undefined {
    if (this.#known.has(path)) return this.#known.get(path);
    const found = this.#look(path);
    this.#known.set(path, found);
    return found;
  }

  #look(path: string): { readonly entry: TreeEntry; readonly realPath: string } | undefined {
    const realPath = path === '' ? this.#layers[0] : this.#view.entry(path)?.realPath;
    if (realPath === undefined) return undefined;
    const entry = entryOf(path, lstatSync(raw(realPath), { bigint: true }), false);
    if (entry.type !== 'symlink') return { entry, realPath };
    return { entry: { ...entry, linkName: readLinkBytes(realPath) }, realPath };
  }
}
