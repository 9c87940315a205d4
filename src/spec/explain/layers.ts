import type { Place } from '../canonical/context.ts';
import { pathOf } from '../canonical/context.ts';
import { type Entry, isDict, type MapNode, type Path, type SpecNode, type Value } from '../node.ts';
import { type Origin, originOf } from '../source.ts';
import type { Layer, Trail } from '../trail.ts';
import { indexerAt } from '../unique.ts';
import { plainText, type Target } from './path.ts';

/** How a value came to where it is, or why it hides another. */
export type Rule = Layer['rule'] | 'merge key' | 'alias' | 'unique item' | 'env_file' | 'label_file';

/** A stretch of a file that says something about a value. */
export interface Found {
  readonly origin: Origin;
  /** By what it came from elsewhere, the nearest first, and where that is said. */
  readonly by: readonly { readonly rule: Rule; readonly at?: Origin | undefined }[];
  /** Why it hides the next; absent for the last. */
  readonly over?: Rule;
  /** It is a short form that stands for more than the value. */
  readonly short: boolean;
}

/** One step into the tree, with what finds the same part in the trees that were merged into it. */
interface Step {
  /** The key, or what an item is called. */
  readonly name: string;
  /** An item that has no name, and what makes another one the same. */
  readonly item?: { readonly origin: Origin; readonly key: string | undefined; readonly indexer: Indexer };
}
type Indexer = ReturnType<typeof indexerAt>;

/** How far the written tree goes along a canonical path. */
export interface Reached {
  readonly node: SpecNode;
  /** The key that led to it. */
  readonly key: Origin;
  readonly steps: readonly Step[];
  /** What is not written: below a single value the parts that its short form stands for. */
  readonly rest: Path;
}

/** A canonical path in terms of the files: lists of short forms may have been expanded. */
export function writtenPath({ path, values }: Target, places: WeakMap<object, Place>): Path {
  let written = path;
  for (const [index, value] of values.entries()) {
    const place = isDict(value) ? places.get(value) : undefined;
    if (place !== undefined) written = [...pathOf(place), ...path.slice(index)];
  }
  return written;
}

/** Follows a path in the merged tree; `values` are those of the canonical model, the whole of it first. */
export function reach(root: SpecNode, path: Path, values: readonly Value[]): Reached {
  const steps: Step[] = [];
  let node = root;
  let key: Origin = root;
  for (const [index, step] of path.entries()) {
    const found = stepInto(node, step, values[index + 1] ?? null, path.slice(0, index));
    if (found === undefined) return { node, key, steps, rest: path.slice(index) };
    steps.push(found.step);
    key = found.key;
    node = found.node;
  }
  return { node, key, steps, rest: [] };
}

function stepInto(node: SpecNode, step: string | number, value: Value, path: Path) {
  if (node.kind === 'scalar') return undefined;
  // `NAME=…` of a sorted list that may have been a mapping.
  const name = typeof step === 'string' ? step : (plainText(value).split('=', 1)[0] ?? '');
  if (node.kind === 'map') {
    const entry = entryNamed(node, name);
    return entry && { step: { name }, key: entry, node: entry.node };
  }
  const item = typeof step === 'number' ? itemAt(node.items, step, value) : itemsCalled(node.items, name)[0];
  if (item === undefined) return undefined;
  if (typeof step === 'string') return { step: { name }, key: item, node: item };
  const indexer = path.at(-1) === 'config' && path.at(-2) === 'ipam' ? subnetOf : indexerAt(path);
  return { step: { name, item: { origin: item, key: indexer?.(item), indexer } }, key: item, node: item };
}

/** The item of a number, unless items of the canonical list stand in another order: hosts do, as `NAME=ADDRESS`. */
function itemAt(items: readonly SpecNode[], index: number, value: Value): SpecNode | undefined {
  const item = items[index];
  const wanted = plainText(value);
  if (wanted === '' || item?.kind !== 'scalar' || String(item.value) === wanted) return item;
  const same = items.find((each) => each.kind === 'scalar' && hostText(String(each.value)) === wanted);
  return same ?? itemsCalled(items, wanted.split('=', 1)[0] ?? '')[0] ?? item;
}

function hostText(text: string): string {
  const [, host, address] = /^([^:=]+)[:=]\[?(.*?)\]?$/.exec(text) ?? [];
  return host === undefined ? text : `${host}=${address}`;
}

function subnetOf(pool: SpecNode): string | undefined {
  const subnet = pool.kind === 'map' ? pool.entries.get('subnet')?.node : undefined;
  return subnet?.kind === 'scalar' ? String(subnet.value) : undefined;
}

/** The reference prints some keys with a capital. */
function entryNamed({ entries }: MapNode, name: string): Entry | undefined {
  return entries.get(name) ?? entries.get(`${name[0]?.toLowerCase()}${name.slice(1)}`);
}

/** Items that are `name`, `name=…` or `name:…`, the last first, since it wins. */
function itemsCalled(items: readonly SpecNode[], name: string): readonly SpecNode[] {
  const called = (separator: string) =>
    items.filter((item) => {
      const text = item.kind === 'scalar' ? String(item.value) : '';
      return text === name || text.startsWith(name + separator);
    });
  const equal = called('=');
  return (equal.length > 0 ? equal : called(':')).reverse();
}

/**
 * Everything that the files say of what was reached, the winner first: what a value was laid over is found in the trees
 * from before the merge.
 */
export function layersOf(root: SpecNode, { node, steps, rest }: Reached, trail: Trail): readonly Found[] {
  // Another layer may write in full what the winner says in short.
  const whole = [...steps, ...rest.map((step) => ({ name: String(step) }))];
  const found = new Walk(whole, trail).below(root, 0);
  const winner = found.findIndex(({ origin }) => within(origin, node) || within(node, origin));
  // What stands before it was given up: an empty value hides nothing.
  return winner === -1 ? [{ origin: originOf(node), by: [], short: rest.length > 0 }] : found.slice(winner);
}

function within(inner: Origin, outer: Origin): boolean {
  return inner.source === outer.source && inner.start >= outer.start && inner.end <= outer.end;
}

class Walk {
  readonly #steps: readonly Step[];
  readonly #trail: Trail;

  constructor(steps: readonly Step[], trail: Trail) {
    this.#steps = steps;
    this.#trail = trail;
  }

  below(node: SpecNode, depth: number): readonly Found[] {
    const layer = this.#trail.layerOf(node);
    if (layer !== undefined) {
      const over = this.below(layer.over, depth);
      const base = layer.base === undefined ? [] : this.below(layer.base, depth);
      return joined(over, layer.rule === 'merge' ? base : via(base, layer.rule, layer.at), layer.rule);
    }
    const step = this.#steps[depth];
    if (step === undefined || node.kind === 'scalar') {
      return [{ origin: originOf(node), by: [], short: step !== undefined }];
    }
    if (node.kind === 'map') return this.#inMap(node, step, depth);
    return itemsOf(node.items, step)
      .map((item) => this.#through(node, item, depth + 1))
      .reduce((above, each) => joined(above, each, 'unique item'), []);
  }

  /** The own value of the key, over those of the merge keys. */
  #inMap(node: MapNode, step: Step, depth: number): readonly Found[] {
    const merged = this.#trail.mergeKeysOf(node);
    const entry = entryNamed(node, step.name);
    const own = entry !== undefined && (merged.length === 0 || within({ ...entry, end: entry.start }, node));
    const first = own ? this.#through(entry, entry.node, depth + 1) : [];
    return merged.reduce((above, { node: map, at }) => {
      return joined(above, via(this.below(map, depth), 'merge key', at), 'merge key');
    }, first);
  }

  /** An alias shares the node of its anchor, which stands before it. */
  #through(from: Origin, node: SpecNode, depth: number): readonly Found[] {
    const found = this.below(node, depth);
    return node.source === from.source && node.start < from.start ? via(found, 'alias', aliasBehind(from)) : found;
  }
}

function itemsOf(items: readonly SpecNode[], { name, item }: Step): readonly SpecNode[] {
  if (item === undefined) return itemsCalled(items, name);
  const { origin, key, indexer } = item;
  return items.filter((each) => within(each, origin) || (key !== undefined && indexer?.(each) === key)).reverse();
}

function via(found: readonly Found[], rule: Rule, at: Origin | undefined): readonly Found[] {
  return found.map((each) => ({ ...each, by: [{ rule, at }, ...each.by] }));
}

/** The same value under two layers (an anchor used twice, say) hides nothing. */
function joined(above: readonly Found[], under: readonly Found[], over: Rule): readonly Found[] {
  const last = above.at(-1);
  if (last === undefined || under.length === 0) return last === undefined ? under : above;
  const other = under.filter(({ origin }) => !above.some((each) => within(origin, each.origin)));
  return other.length === 0 ? above : [...above.slice(0, -1), { ...last, over }, ...other];
}

/** The `*name` behind a key. */
function aliasBehind({ source, end }: Origin): Origin | undefined {
  const alias = /["']?\s*:\s*(?=\*)/y;
  alias.lastIndex = end;
  const match = alias.exec(source.text);
  return match === null ? undefined : { source, start: alias.lastIndex, end: alias.lastIndex + 1 };
}
