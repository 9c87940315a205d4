import type { Diagnostics } from './diagnose.ts';
import { type Entry, entryAt, type MapNode, type ScalarNode, type SpecNode } from './node.ts';
import { quoted } from './printable.ts';
import { settle } from './settle.ts';
import { type Origin, originOf } from './source.ts';
import type { LayerRule, Trail } from './trail.ts';

type Merger = (base: SpecNode, over: SpecNode, path: string) => SpecNode;

/**
 * Lays one file over another by the rules of the Compose specification ("Merge"): mappings merge, lists append and are
 * made unique by what identifies an item, the rest is replaced; `!reset` removes, `!override` replaces. `include` is
 * what names the base, if one does.
 */
export function mergeFiles(base: SpecNode, over: SpecNode, diagnostics: Diagnostics, include?: Origin): SpecNode {
  const rule = include === undefined ? 'merge' : 'include';
  return new Merge(diagnostics, { rule, at: include }).merge(base, over, '');
}

/** `extends`, which stands at `at`: the same rules, applied to two services. */
export function mergeServices(base: SpecNode, over: SpecNode, diagnostics: Diagnostics, at: Origin): SpecNode {
  return new Merge(diagnostics, { rule: 'extends', at }).merge(base, over, 'services.*');
}

/** Paths with every name that the user chooses written as `*`. */
function below(path: string, key: string): string {
  if (path === '') return key;
  return openMaps.has(path) ? `${path}.*` : `${path}.${key}`;
}

const openMaps = new Set([
  'services',
  'networks',
  'volumes',
  'configs',
  'secrets',
  'services.*.networks',
  'services.*.ulimits',
  'services.*.depends_on',
]);

/** Values that are never mixed with those of another file; even `null` replaces. */
const replaced = new Set([
  'services.*.command',
  'services.*.entrypoint',
  'services.*.healthcheck.test',
  'services.*.ulimits.*',
]);

/** For what reason, and where that is written. */
interface Why {
  readonly rule: LayerRule;
  readonly at: Origin | undefined;
}

class Merge {
  readonly #diagnostics: Diagnostics;
  readonly #why: Why;
  readonly #trail: Trail | undefined;
  readonly #special: Readonly<Record<string, Merger>>;

  constructor(diagnostics: Diagnostics, why: Why) {
    this.#diagnostics = diagnostics;
    this.#why = why;
    this.#trail = diagnostics.trail;
    const sequence: Merger = (base, over) => ({ ...over, kind: 'seq', items: [...toItems(base), ...toItems(over)] });
    const mapping =
      (fill?: Readonly<Record<string, string | boolean>>): Merger =>
      (base, over, path) =>
        this.#mappings(toMap(base, fill), toMap(over, fill), path);
    this.#special = {
      'networks.*.ipam.config': (base, over, path) => this.#ipamConfig(base, over, path),
      'networks.*.labels': sequence,
      'volumes.*.labels': sequence,
      'services.*.annotations': sequence,
      'services.*.build': (base, over, path) => this.#mappings(buildMap(base), buildMap(over), path),
      'services.*.build.args': sequence,
      'services.*.build.additional_contexts': sequence,
      'services.*.build.extra_hosts': extraHosts,
      'services.*.build.labels': sequence,
      'services.*.depends_on': mapping({ condition: 'service_started', required: true }),
      'services.*.deploy.labels': sequence,
      'services.*.dns': sequence,
      'services.*.dns_opt': sequence,
      'services.*.dns_search': sequence,
      'services.*.env_file': sequence,
      'services.*.label_file': sequence,
      'services.*.environment': sequence,
      'services.*.extra_hosts': extraHosts,
      'services.*.labels': sequence,
      'services.*.logging': (base, over, path) => this.#logging(base, over, path),
      'services.*.models': mapping(),
      'services.*.networks': mapping(),
      'services.*.sysctls': sequence,
      'services.*.tmpfs': sequence,
    };
  }

  merge(base: SpecNode, over: SpecNode, path: string): SpecNode {
    const result = this.#merged(base, over, path);
    this.#trail?.laid(result, { over, base, ...this.#why });
    return result;
  }

  #merged(base: SpecNode, over: SpecNode, path: string): SpecNode {
    if (over.tag === 'override') return settle(over, path);
    if (replaced.has(path)) return settle(over, path);
    const special = this.#special[path];
    if (special !== undefined && !isNull(base) && !isNull(over)) return settle(special(base, over, path), path);
    if (isNull(over)) return settle(base, path);
    if (base.kind === 'map' && over.kind === 'map') return this.#mappings(base, over, path);
    if (base.kind === 'seq' && over.kind === 'seq') {
      return settle({ ...over, items: [...base.items, ...over.items] }, path);
    }
    if (base.kind !== over.kind && !isNull(base)) {
      const message = `${quoted(path)} is a ${word(over)} here and a ${word(base)} in the file below: they do not merge`;
      this.#diagnostics.add({ code: 'merge.type', message, origin: over });
    }
    return settle(over, path);
  }

  #mappings(base: SpecNode, over: SpecNode, path: string): SpecNode {
    if (base.kind !== 'map' || over.kind !== 'map') return over;
    const entries = new Map<string, Entry>();
    for (const [key, entry] of base.entries) {
      const above = over.entries.get(key);
      if (above?.node.tag === 'reset') continue;
      const next = below(path, key);
      entries.set(
        key,
        above === undefined ? { ...entry, node: settle(entry.node, next) } : this.#entry(entry, above, next),
      );
    }
    for (const [key, entry] of over.entries) {
      if (base.entries.has(key) || entry.node.tag === 'reset') continue;
      entries.set(key, { ...entry, node: settle(entry.node, below(path, key)) });
    }
    const aside = joined(base.aside, over.aside);
    return { ...over, entries, aside };
  }

  #entry(base: Entry, over: Entry, path: string): Entry {
    return { ...over, node: this.merge(base.node, over.node, path) };
  }

  /** Options of another driver are not merged in. */
  #logging(base: SpecNode, over: SpecNode, path: string): SpecNode {
    const [before, after] = [textOf(base, 'driver'), textOf(over, 'driver')];
    return before === after || before === undefined || after === undefined ? this.#mappings(base, over, path) : over;
  }

  /** Pools are the same when their subnet is. */
  #ipamConfig(base: SpecNode, over: SpecNode, path: string): SpecNode {
    if (base.kind !== 'seq' || over.kind !== 'seq') return over;
    const pools = new Map<string, SpecNode>();
    for (const pool of [...base.items, ...over.items]) {
      const subnet = textOf(pool, 'subnet') ?? '';
      const before = pools.get(subnet);
      pools.set(subnet, before === undefined ? pool : this.#mappings(before, pool, `${path}.*`));
    }
    return { ...over, items: [...pools.values()] };
  }
}

function joined(base: readonly string[] | undefined, over: readonly string[] | undefined) {
  return base === undefined || over === undefined ? (base ?? over) : [...base, ...over];
}

function extraHosts(base: SpecNode, over: SpecNode): SpecNode {
  const before = toItems(base);
  const known = new Set(before.map(itemText));
  return { ...over, kind: 'seq', items: [...before, ...toItems(over).filter((item) => !known.has(itemText(item)))] };
}

function itemText(node: SpecNode): string | undefined {
  return node.kind === 'scalar' ? String(node.value) : undefined;
}

function isNull(node: SpecNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function word(node: SpecNode): string {
  return node.kind === 'map' ? 'mapping' : node.kind === 'seq' ? 'list' : 'single value';
}

function textOf(node: SpecNode, key: string): string | undefined {
  const value = node.kind === 'map' ? node.entries.get(key)?.node : undefined;
  return value?.kind === 'scalar' ? String(value.value) : undefined;
}

/** A mapping as the list `key=value`, sorted; a single value as a list of one. */
function toItems(node: SpecNode): readonly SpecNode[] {
  if (node.kind === 'seq') return node.items;
  if (node.kind === 'scalar') return node.value === null ? [] : [node];
  const items: ScalarNode[] = [];
  for (const [key, entry] of node.entries) {
    const values = entry.node.kind === 'seq' ? entry.node.items : [entry.node];
    for (const value of values) items.push(keyValue(key, entry, value));
  }
  return items.sort((left, right) => (left.text < right.text ? -1 : left.text > right.text ? 1 : 0));
}

function keyValue(key: string, entry: Entry, value: SpecNode): ScalarNode {
  const empty = value.kind !== 'scalar' || value.value === null;
  const text = empty ? key : `${key}=${String(value.value)}`;
  const { source, start } = entry;
  return { kind: 'scalar', value: text, text, source, start, end: Math.max(entry.end, value.end), tag: value.tag };
}

/** A list of names as a mapping, each with the same content (nothing, or `fill`). */
function toMap(node: SpecNode, fill?: Readonly<Record<string, string | boolean>>): SpecNode {
  if (node.kind !== 'seq') return node;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind === 'scalar') entries.set(String(item.value), entryAt(item, filled(item, fill)));
  }
  return { ...originOf(node), kind: 'map', entries };
}

function filled(item: ScalarNode, fill?: Readonly<Record<string, string | boolean>>): SpecNode {
  const where = originOf(item);
  if (fill === undefined) return { ...where, kind: 'scalar', value: null, text: '' };
  const entries = Object.entries(fill).map(([key, value]): [string, Entry] => [
    key,
    { ...where, node: { ...where, kind: 'scalar', value, text: String(value) } },
  ]);
  return { ...where, kind: 'map', entries: new Map(entries) };
}

function buildMap(node: SpecNode): MapNode | SpecNode {
  if (node.kind !== 'scalar') return node;
  return { ...originOf(node), kind: 'map', entries: new Map([['context', entryAt(node, node)]]) };
}
