import type { SpecNode } from './node.ts';
import { type Origin, originOf } from './source.ts';
import type { Lookup } from './template.ts';

/** By what one value was laid over another. */
export type LayerRule = 'merge' | 'extends' | 'include';

/** What a node was made of. */
export interface Layer {
  readonly over: SpecNode;
  /** Absent: it is a copy of `over`. */
  readonly base?: SpecNode;
  readonly rule: LayerRule;
  /** The `extends` or the item of `include` that brought the base. */
  readonly at?: Origin | undefined;
}

/** A mapping that a merge key names, and the place of the key. */
export interface Merged {
  readonly node: SpecNode;
  readonly at: Origin;
}

/** What `${X}` means behind what it means outside. */
export interface Behind {
  readonly outer: Lookup;
  readonly values: Values;
}

type Values = ReadonlyMap<string, string>;

/**
 * What a load did to come to its values: kept only to explain one, since the tree itself knows where its values were
 * written, but not what they hide. Nodes are noted by identity, mappings and texts by their place.
 */
export class Trail {
  readonly #layers = new WeakMap<SpecNode, Layer>();
  readonly #mergeKeys = new Map<string, readonly Merged[]>();
  readonly #definitions = new WeakMap<Values, Map<string, Origin[]>>();
  readonly #behind = new WeakMap<Lookup, Behind>();
  readonly #serviceFiles = new Map<string, Values>();
  /** The variables of `--env-file` or `.env`. */
  projectFiles: Values = new Map();

  /** Notes what a node was made of; one that was taken over as it is says that itself. */
  laid(result: SpecNode, layer: Layer): void {
    if (result !== layer.over && result !== layer.base) this.#layers.set(result, layer);
  }

  layerOf(node: SpecNode): Layer | undefined {
    return this.#layers.get(node);
  }

  /** Notes that the mapping that begins at `map` has a merge key that names a mapping, or a list of them. */
  mergeKey(map: Origin, at: Origin, named: SpecNode): void {
    const nodes = named.kind === 'seq' ? named.items : [named];
    const place = placeOf(map);
    const known = this.#mergeKeys.get(place) ?? [];
    this.#mergeKeys.set(place, [...known, ...nodes.map((node) => ({ node, at: originOf(at) }))]);
  }

  /** The mappings that a mapping takes keys from, the first wins. */
  mergeKeysOf(map: Origin): readonly Merged[] {
    return this.#mergeKeys.get(placeOf(map)) ?? [];
  }

  /** Notes the line of an environment file that set a variable. */
  defined(into: Values, name: string, line: Origin): void {
    const names = this.#definitions.get(into) ?? new Map<string, Origin[]>();
    this.#definitions.set(into, names);
    names.set(name, [...(names.get(name) ?? []), line]);
  }

  /** Where a variable was set, the line that won last. */
  definitionsOf(into: Values | undefined, name: string): readonly Origin[] {
    return (into && this.#definitions.get(into)?.get(name)) ?? [];
  }

  behind(lookup: Lookup, behind: Behind): void {
    this.#behind.set(lookup, behind);
  }

  behindOf(lookup: Lookup): Behind | undefined {
    return this.#behind.get(lookup);
  }

  /** Notes what the files of a service gave for its `environment` or `labels`. */
  serviceFiles(service: string, key: string, values: Values): void {
    this.#serviceFiles.set(`${service}\0${key}`, values);
  }

  serviceFilesOf(service: string, key: string): Values | undefined {
    return this.#serviceFiles.get(`${service}\0${key}`);
  }
}

function placeOf({ source, start }: Origin): string {
  return `${source.index}:${start}`;
}
