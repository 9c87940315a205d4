import { didYouMean } from '../lib/nearest.ts';
import { withUnknownNames } from './aside.ts';
import type { Diagnostics } from './diagnose.ts';
import { mergeServices } from './merge.ts';
import { type Entry, entryOf, type MapNode, type SpecNode } from './node.ts';
import { originOf } from './source.ts';

/** Applies `extends` between the services of one file; what another file holds is refused for now. */
export function applyExtends(root: SpecNode, diagnostics: Diagnostics): SpecNode {
  if (root.kind !== 'map') return root;
  const include = root.entries.get('include');
  if (include !== undefined) {
    const message = '"include" is not supported yet';
    diagnostics.add({ code: 'unsupported.key', message, hint: 'name the files with -f instead', origin: include });
  }
  const known = include === undefined ? root : withUnknownNames(root);
  const services = root.entries.get('services');
  if (services?.node.kind !== 'map') return known;
  const node = new Extension(services.node, diagnostics).apply();
  if (node === services.node) return known;
  return { ...known, entries: new Map(root.entries).set('services', { ...services, node }) } as SpecNode;
}

/** Whether a service of the file has the key `extends`. */
export function usesExtends(root: SpecNode): boolean {
  const services = entryOf(root, 'services')?.node;
  return services?.kind === 'map' && someExtends(services);
}

function someExtends(services: MapNode): boolean {
  for (const entry of services.entries.values()) if (entryOf(entry.node, 'extends') !== undefined) return true;
  return false;
}

/** A service on the way, and its `extends`. */
interface Link {
  readonly name: string;
  readonly node: SpecNode;
  readonly entry: Entry;
}

class Extension {
  readonly #services: MapNode;
  readonly #diagnostics: Diagnostics;
  readonly #done = new Map<string, SpecNode>();

  constructor(services: MapNode, diagnostics: Diagnostics) {
    this.#services = services;
    this.#diagnostics = diagnostics;
  }

  apply(): MapNode {
    if (!someExtends(this.#services)) return this.#services;
    const entries = new Map<string, Entry>();
    for (const [name, entry] of this.#services.entries) entries.set(name, { ...entry, node: this.#resolve(name) });
    return { ...this.#services, entries };
  }

  /** Follows the chain to its first service, then merges back; a chain may be long, so it does not recurse. */
  #resolve(name: string): SpecNode {
    const chain: Link[] = [];
    const seen = new Map<string, number>();
    let base: SpecNode | undefined;
    for (let next: string | undefined = name; next !== undefined; ) {
      base = this.#done.get(next);
      const service = this.#services.entries.get(next);
      if (base !== undefined || service === undefined) break;
      const entry = entryOf(service.node, 'extends');
      if (entry === undefined) {
        base = service.node;
        break;
      }
      seen.set(next, chain.length);
      chain.push({ name: next, node: service.node, entry });
      next = this.#target(entry, chain, seen);
    }
    for (const { name: each, node } of chain.reverse()) {
      const own = withoutExtends(node);
      base = base === undefined ? own : mergeServices(base, own, this.#diagnostics);
      this.#done.set(each, base);
    }
    return base ?? { ...originOf(this.#services), kind: 'scalar', value: null, text: '' };
  }

  /** The name that an `extends` means, if it can be followed. */
  #target(entry: Entry, chain: readonly Link[], seen: ReadonlyMap<string, number>): string | undefined {
    const { node } = entry;
    const file = entryOf(node, 'file');
    if (file !== undefined) {
      const message = '"extends" from another file is not supported yet';
      this.#diagnostics.add({ code: 'unsupported.key', message, hint: 'copy the service here', origin: file });
      return undefined;
    }
    const service = node.kind === 'map' ? entryOf(node, 'service')?.node : node;
    if (service?.kind !== 'scalar') return undefined;
    const name = String(service.value);
    const start = seen.get(name);
    if (start !== undefined) {
      const names = chain.slice(start).map((each) => each.name);
      const message = `"extends" makes a cycle: ${[...names, name].join(' -> ')}`;
      this.#diagnostics.add({ code: 'ref.cycle', message, origin: chain[start]?.entry ?? entry });
      return undefined;
    }
    if (this.#services.entries.has(name)) return name;
    if (this.#services.aside?.includes(name) === true) return undefined;
    const message = `"extends" names the service "${name}", which does not exist in this file`;
    const hint = didYouMean(name, this.#services.entries.keys());
    this.#diagnostics.add({ code: 'ref.missing', message, hint, origin: service });
    return undefined;
  }
}

function withoutExtends(node: SpecNode): SpecNode {
  if (node.kind !== 'map') return node;
  const entries = new Map(node.entries);
  entries.delete('extends');
  return { ...node, entries };
}
