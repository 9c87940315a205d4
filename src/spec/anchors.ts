import type { Diagnostics } from './diagnose.ts';
import { Limit } from './limit.ts';
import type { SpecNode } from './node.ts';
import { quoted } from './printable.ts';
import { type Origin, originOf } from './source.ts';

/** Values that aliases and merge keys may add to a file, counted with what they repeat. */
const mostAliased = 100_000;

/** The anchors of one text. Aliases share the node of their anchor; what they repeat is bounded. */
export class Anchors {
  readonly #diagnostics: Diagnostics;
  readonly #nodes = new Map<string, SpecNode | 'open' | 'aside'>();
  readonly #sizes = new Map<SpecNode, number>();
  #aliased = 0;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /** The value of the anchor begins. */
  open(name: string): void {
    this.#nodes.set(name, 'open');
  }

  /** It has been read; undefined: it was set aside. */
  close(name: string, node: SpecNode | undefined): void {
    this.#nodes.set(name, node ?? 'aside');
  }

  /** What an alias stands for; undefined when there is none, which is reported. */
  use(name: string, origin: Origin): SpecNode | undefined {
    const target = this.#nodes.get(name);
    if (target === undefined) {
      const message = `unknown alias ${quoted(name)}: no anchor "&${name}" stands before it`;
      this.#diagnostics.add({ code: 'yaml.syntax', message, origin });
      return undefined;
    }
    if (target === 'open') {
      const message = `the alias ${quoted(name)} makes a cycle: it stands inside its own anchor`;
      this.#diagnostics.add({ code: 'yaml.alias-limit', message, origin });
      return undefined;
    }
    if (target === 'aside') return undefined;
    this.count(this.#sizeOf(target), origin);
    return target;
  }

  /** Notes that `size` values are repeated at a place. Throws `Limit` when it is too much. */
  count(size: number, origin: Origin): void {
    this.#aliased += size;
    if (this.#aliased <= mostAliased) return;
    const message = 'aliases repeat too much: more than 100,000 values';
    throw new Limit({ code: 'yaml.alias-limit', message, origin: originOf(origin) });
  }

  /** Values below a node, itself included. A node stands below few others, since aliases share: each is walked once. */
  #sizeOf(node: SpecNode): number {
    const known = this.#sizes.get(node);
    if (known !== undefined) return known;
    let size = 1;
    if (node.kind === 'seq') for (const item of node.items) size += this.#sizeOf(item);
    if (node.kind === 'map') for (const entry of node.entries.values()) size += this.#sizeOf(entry.node);
    this.#sizes.set(node, size);
    return size;
  }
}
