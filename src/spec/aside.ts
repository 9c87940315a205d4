import type { Entry, SpecNode } from './node.ts';

/** Lists whose items mean something only together: with one of them set aside, the whole is. */
const wholes = new Set(['command', 'entrypoint', 'test']);

/**
 * The node with every child replaced by what `change` makes of it: undefined sets the child aside, its key noted in the
 * mapping. The node itself when no child differs.
 */
export function mapChildren(
  node: Exclude<SpecNode, { kind: 'scalar' }>,
  change: (child: SpecNode, key: string) => SpecNode | undefined,
): SpecNode {
  if (node.kind === 'map') return mapEntries(node, change);
  let changed: SpecNode[] | undefined;
  for (let index = 0; index < node.items.length; index++) {
    const item = node.items[index] as SpecNode;
    const next = change(item, String(index));
    if (next !== item) changed ??= node.items.slice(0, index);
    if (next !== undefined) changed?.push(next);
  }
  return changed === undefined ? node : { ...node, items: changed };
}

function mapEntries(
  node: SpecNode & { kind: 'map' },
  change: (child: SpecNode, key: string) => SpecNode | undefined,
): SpecNode {
  let changed: Map<string, Entry> | undefined;
  const aside: string[] = [];
  for (const [key, entry] of node.entries) {
    const next = change(entry.node, key);
    if (next === entry.node) continue;
    changed ??= new Map(node.entries);
    if (next !== undefined && !(wholes.has(key) && isShorter(next, entry.node))) {
      changed.set(key, { ...entry, node: next });
      continue;
    }
    changed.delete(key);
    aside.push(key);
  }
  return changed === undefined ? node : withAside({ ...node, entries: changed }, aside);
}

function isShorter(next: SpecNode, before: SpecNode): boolean {
  return next.kind === 'seq' && before.kind === 'seq' && next.items.length < before.items.length;
}

/** The node with more keys noted as set aside. */
export function withAside(node: SpecNode, keys: readonly string[]): SpecNode {
  if (node.kind !== 'map' || keys.length === 0) return node;
  return { ...node, aside: [...(node.aside ?? []), ...keys] };
}

/** Whether anything of the value was set aside: then what seems to be missing in it may have been written. */
export function hasAside(node: SpecNode): boolean {
  if (node.kind === 'scalar') return false;
  if (node.kind === 'seq') return node.items.some(hasAside);
  return node.aside !== undefined || [...node.entries.values()].some((entry) => hasAside(entry.node));
}

/** Names of a section (`services`, `networks`, …) that were written and set aside; 'all' when any may have been. */
export function asideNames(root: SpecNode, section: string): readonly string[] | 'all' {
  if (root.kind !== 'map' || root.aside?.includes(section) === true) return 'all';
  const node = root.entries.get(section)?.node;
  return node?.kind === 'map' ? (node.aside ?? []) : [];
}

/** Sections whose names may stand in a file that is not read. */
const sections = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models'] as const;

/** Notes that any name may have been declared elsewhere, in what could not be read: none is missing then. */
export function withUnknownNames(root: SpecNode): SpecNode {
  return withAside(root, sections);
}
