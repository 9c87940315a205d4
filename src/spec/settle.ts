import type { Entry, MapNode, SpecNode } from './node.ts';
import { type UniqueRules, uniqueItems, uniqueRules } from './unique.ts';

type Rules = UniqueRules | UniqueRules[string] | undefined;

/**
 * What a value says itself: its lists made unique, its `!reset` parts taken away. `path` is where it stands, names of
 * the user's choice as `*`. What does not change is shared with the node.
 */
export function settle(node: SpecNode, path = ''): SpecNode {
  let rules: Rules = uniqueRules;
  for (const step of path === '' ? [] : path.split('.')) rules = below(rules, step);
  return new Settlement(node.source.text.includes('!reset')).settle(node, rules);
}

function below(rules: Rules, key: string): Rules {
  if (typeof rules !== 'object') return undefined;
  return rules['*'] ?? (Object.hasOwn(rules, key) ? rules[key] : undefined);
}

class Settlement {
  /** Whether values may be tagged `!reset`: else only what has rules is looked at. */
  readonly #resets: boolean;

  constructor(resets: boolean) {
    this.#resets = resets;
  }

  settle(node: SpecNode, rules: Rules): SpecNode {
    if (node.kind === 'scalar' || (rules === undefined && !this.#resets)) return node;
    if (node.kind === 'map') return this.#map(node, rules);
    const kept = this.#resets ? this.#kept(node.items) : node.items;
    const items = typeof rules === 'function' ? uniqueItems(kept, rules) : kept;
    return items === node.items ? node : { ...node, items };
  }

  #kept(items: readonly SpecNode[]): readonly SpecNode[] {
    return items.filter((item) => item.tag !== 'reset').map((item) => this.settle(item, undefined));
  }

  #map(node: MapNode, rules: Rules): SpecNode {
    let changed: Map<string, Entry> | undefined;
    for (const [key, entry] of node.entries) {
      const settled = entry.node.tag === 'reset' ? undefined : this.settle(entry.node, below(rules, key));
      if (settled === entry.node) continue;
      changed ??= new Map(node.entries);
      if (settled === undefined) changed.delete(key);
      else changed.set(key, { ...entry, node: settled });
    }
    return changed === undefined ? node : { ...node, entries: changed };
  }
}
