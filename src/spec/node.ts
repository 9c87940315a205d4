import type { Origin } from './source.ts';

/** JSON, as a stack file holds it. Objects have no prototype, so that no key (`__proto__`) is special. */
export type Value = null | boolean | number | string | Value[] | Dict;
export interface Dict {
  [key: string]: Value;
}
export type Path = readonly (string | number)[];

/** How a value that comes later treats the one below it: the YAML tags `!reset` and `!override`. */
export type MergeTag = 'reset' | 'override';

interface NodeBase extends Origin {
  readonly tag?: MergeTag | undefined;
}

/** Values, each its own place in the text. Immutable; an alias shares the node of its anchor. */
export type SpecNode = ScalarNode | SeqNode | MapNode;

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /** As written, without quotes: `010`, `1.10`. */
  readonly text: string;
}

export interface SeqNode extends NodeBase {
  readonly kind: 'seq';
  readonly items: readonly SpecNode[];
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  /** Keys that were written and left out, because they or their values have an error that was reported. */
  readonly aside?: readonly string[] | undefined;
}

/** A value and the place of its key. */
export interface Entry extends Origin {
  readonly node: SpecNode;
}

export function dict(): Dict {
  return Object.create(null) as Dict;
}

export function isDict(value: Value | undefined): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An entry whose key stands at `key`. */
export function entryAt(key: Origin, node: SpecNode): Entry {
  return { source: key.source, start: key.start, end: key.end, node };
}

export function toValue(node: SpecNode): Value {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'seq') return node.items.map(toValue);
  const result = dict();
  for (const [key, each] of node.entries) if (each.node.tag !== 'reset') result[key] = toValue(each.node);
  return result;
}

export function entryOf(node: SpecNode | undefined, key: string): Entry | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}

/**
 * Where a path was written. A name below a list finds the item that is `name`, `name=…` or `name:…`, and a step below a
 * single value that value, which may stand for a list of one; what is not there gives the key of the nearest part that
 * is. `key: true` marks the key instead of the value.
 */
export function locate(root: SpecNode, path: Path, options: { readonly key?: boolean } = {}): Origin {
  let node = root;
  let key: Origin = root;
  for (const step of path) {
    const found = child(node, step);
    if (found === undefined) return node.kind === 'scalar' && options.key !== true ? node : key;
    key = found;
    node = found.node;
  }
  return options.key === true ? key : node;
}

/** The value at a path; undefined when there is none. */
export function nodeAt(root: SpecNode, path: Path): SpecNode | undefined {
  let node: SpecNode | undefined = root;
  for (const step of path) node = node === undefined ? undefined : child(node, step)?.node;
  return node;
}

function child(node: SpecNode, step: string | number): Entry | undefined {
  if (node.kind === 'map') return node.entries.get(String(step));
  if (node.kind !== 'seq') return undefined;
  const item = typeof step === 'number' ? node.items[step] : node.items.find((each) => names(each, step));
  return item === undefined ? undefined : entryAt(item, item);
}

function names(node: SpecNode, word: string): boolean {
  if (node.kind === 'map') {
    return ['source', 'target', 'path'].some((key) => entryText(node, key) === word);
  }
  if (node.kind !== 'scalar') return false;
  const text = String(node.value);
  return text === word || text.startsWith(`${word}=`) || text.startsWith(`${word}:`);
}

function entryText(node: MapNode, key: string): string | undefined {
  const value = node.entries.get(key)?.node;
  return value?.kind === 'scalar' ? String(value.value) : undefined;
}

/** The value at a path; undefined when there is none. */
export function valueAt(root: Value, path: Path): Value | undefined {
  let value: Value | undefined = root;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isDict(value) ? value[String(step)] : undefined;
  }
  return value;
}

/** `services.web.ports[0]`. */
export function dotted(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}
