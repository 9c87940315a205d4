import { linkSync } from 'node:fs';
import type { Host } from '../../host/host.ts';
import { kindOf, raw, readDirectoryBytes } from './byte-fs.ts';
import { join, type LayerTree, parentOf } from './layer-tree.ts';

/**
 * What a layer hides of the layers below, collected while it is unpacked and made at its end, so that the order of the
 * entries does not matter. An opaque directory becomes a whiteout for each name that is below it: no attribute is
 * needed then, which only a process could set and read, and a whiteout exists only where there is something to hide.
 */
export class Whiteouts {
  readonly #host: Host;
  readonly #tree: LayerTree;
  readonly #staging: string;
  readonly #names = new Set<string>();
  readonly #opaque = new Set<string>();
  #nodes = 0;

  /** `staging`: a directory on the same file system, for the device node that all whiteouts are links of. */
  constructor(host: Host, tree: LayerTree, staging: string) {
    this.#host = host;
    this.#tree = tree;
    this.#staging = staging;
  }

  addName(path: string): void {
    this.#names.add(path);
    this.#tree.hide(path);
  }

  addOpaque(path: string): void {
    this.#opaque.add(path);
    this.#tree.hideBelow(path);
  }

  async make(): Promise<void> {
    for (const path of this.#opaque) await this.#hideBelow(path);
    for (const path of this.#names) await this.#hideName(path);
  }

  async #hideBelow(directory: string): Promise<void> {
    const names = new Set(this.#tree.lower.directories(directory).flatMap(readDirectoryBytes));
    for (const name of names) await this.#hideName(join(directory, name));
  }

  async #hideName(path: string): Promise<void> {
    const below = this.#tree.lower.entry(path);
    if (below === undefined || !this.#canHide(path)) return;
    const here = kindOf(this.#tree.real(path));
    if (here === 'directory' && below.kind === 'directory') await this.#hideBelow(path);
    if (here !== undefined) return;
    this.#tree.ensureDirectory(parentOf(path));
    await this.#makeNode(path);
  }

  /** Where this layer has a file or a link in place of a parent, all below it is hidden already. */
  #canHide(path: string): boolean {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      const kind = kindOf(this.#tree.real(above));
      if (kind !== undefined && kind !== 'directory') return false;
    }
    return true;
  }

  /** The kernel shares one inode among whiteouts itself since 5.8; a link costs no process. */
  async #makeNode(path: string): Promise<void> {
    if (this.#nodes === 0) await this.#newNode();
    try {
      linkSync(this.#node(), raw(this.#tree.real(path)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
      await this.#newNode();
      linkSync(this.#node(), raw(this.#tree.real(path)));
    }
  }

  async #newNode(): Promise<void> {
    this.#nodes += 1;
    await this.#host.perform([{ op: 'run', argv: ['mknod', '-m', '0', this.#node(), 'c', '0', '0'] }]);
  }

  #node(): string {
    return `${this.#staging}/whiteout-${this.#nodes}`;
  }
}
