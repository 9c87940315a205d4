import { chmodSync, lchownSync, mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { imageInvalid, printable } from '../errors.ts';
import { OverlayView } from '../overlay-view.ts';
import type { Budget } from './budget.ts';
import { byteString, kindOf, lstatBytes, raw, readLinkBytes } from './byte-fs.ts';

/** The kernel's own limit on links in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The directory that a layer is unpacked into, over the layers below it. Every path that comes out of `resolve` is
 * relative to the root and has no link in it, neither of this layer nor of one below: a link in a parent (`bin` →
 * `usr/bin`) leads where it would lead in the finished root file system, and never out of it.
 */
export class LayerTree {
  readonly root: string;
  readonly lower: OverlayView;
  readonly #budget: Budget;
  /** Parents already resolved, and every path that was looked at on the way: a change there forgets them all. */
  readonly #resolved = new Map<string, string>();
  readonly #visited = new Set<string>();
  /** Names of the layers below that this layer has hidden so far. */
  readonly #hidden = new Set<string>();
  /** Directories of which it has hidden all that is in them. */
  readonly #emptied = new Set<string>();
  /** Directories that this layer only passes through, and the real ones that they cover in the layers below. */
  readonly #covering = new Map<string, string>();

  constructor(root: string, lowers: readonly string[], budget: Budget) {
    this.root = byteString(root);
    this.lower = new OverlayView(lowers.map(byteString), kindOf);
    this.#budget = budget;
    this.#cover('', this.lower.directories('')[0]);
  }

  real(path: string): string {
    return path === '' ? this.root : `${this.root}/${path}`;
  }

  /** Where an entry with these components lies; its parents are not made. The last component is not followed. */
  resolve(components: readonly string[]): string {
    const last = components.at(-1);
    return last === undefined ? '' : join(this.#resolveParent(components.slice(0, -1)), last);
  }

  /** Makes a resolved directory and its parents, with owner and mode of what they cover in the layers below. */
  ensureDirectory(path: string): void {
    if (path === '' || kindOf(this.real(path)) === 'directory') return;
    this.ensureDirectory(parentOf(path));
    this.#budget.entry();
    mkdirSync(raw(this.real(path)), 0o755);
    const below = this.#lowerEntry(path);
    this.#cover(path, below?.kind === 'directory' ? below.realPath : undefined);
  }

  #cover(path: string, below: string | undefined): void {
    const stats = below === undefined ? undefined : lstatBytes(below);
    lchownSync(raw(this.real(path)), stats?.uid ?? 0, stats?.gid ?? 0);
    chmodSync(raw(this.real(path)), (stats?.mode ?? 0o755) & 0o7777);
    if (below !== undefined && stats !== undefined) this.#covering.set(path, below);
  }

  /**
   * Directories that this layer only passes through, with the real ones (of layers below) that they cover in the merged
   * root file system. Their times and extended attributes are to be taken over when all is there.
   */
  covering(): ReadonlyMap<string, string> {
    const isDirectory = (path: string) => this.isPlain(path) && kindOf(this.real(path)) === 'directory';
    return new Map([...this.#covering].filter(([path]) => isDirectory(path)));
  }

  /** A directory has an entry of its own. */
  uncover(path: string): void {
    this.#covering.delete(path);
  }

  /** Takes away what this layer has at a resolved path, before something else is made there. */
  clear(path: string): void {
    if (this.#visited.has(path)) this.#forget();
    const stats = lstatBytes(this.real(path));
    if (stats === undefined) return;
    if (stats.isDirectory()) rmSync(raw(this.real(path)), { recursive: true });
    else unlinkSync(raw(this.real(path)));
  }

  /** From now on nothing of the layers below is seen at this path or below it. */
  hide(path: string): void {
    this.#hidden.add(path);
    this.#forget();
  }

  /** Likewise, but for the directory at this path itself: its owner, mode and attributes stay. */
  hideBelow(path: string): void {
    this.#emptied.add(path);
    this.#forget();
  }

  /**
   * true: every parent of this path is a directory of this layer. A path that was resolved earlier must be asked
   * again, since a later entry may have put a link where a directory was.
   */
  isPlain(path: string): boolean {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      if (lstatBytes(this.real(above))?.isDirectory() !== true) return false;
    }
    return true;
  }

  #forget(): void {
    this.#resolved.clear();
    this.#visited.clear();
  }

  #resolveParent(components: readonly string[]): string {
    const key = components.join('/');
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const pending = [...components];
    let at = '';
    let links = 0;
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      if (name === '..') at = parentOf(at);
      if (name === '..' || name === '.' || name === '') continue;
      const next = join(at, name);
      const entry = this.entry(next);
      this.#visited.add(next);
      if (entry?.kind === 'symlink') {
        links += 1;
        if (links > MAX_LINKS) throw imageInvalid(`too many links on the way to ${printable(key)}`);
        const target = readLinkBytes(entry.realPath);
        if (target.startsWith('/')) at = '';
        pending.unshift(...target.split('/'));
      } else if (entry === undefined || entry.kind === 'directory') at = next;
      else throw imageInvalid(`${printable(next)} is in the way: it is no directory`);
    }
    this.#resolved.set(key, at);
    return at;
  }

  /** What a resolved path stands for so far, in this layer or in one below; undefined: nothing. */
  entry(path: string): ReturnType<OverlayView['entry']> {
    const realPath = this.real(path);
    const kind = kindOf(realPath);
    return kind === undefined ? this.#lowerEntry(path) : { kind, realPath };
  }

  #lowerEntry(path: string): ReturnType<OverlayView['entry']> {
    for (let above = path; this.#hidden.size + this.#emptied.size > 0; above = parentOf(above)) {
      if (this.#hidden.has(above) || (above !== path && this.#emptied.has(above))) return undefined;
      if (above === '') break;
    }
    return this.lower.entry(path);
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

export function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
