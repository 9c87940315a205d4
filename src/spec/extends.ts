import { dirname } from 'node:path';
import { didYouMean } from '../lib/nearest.ts';
import { checkPartialShape } from './check-shape.ts';
import type { ExtendedFile, FileAccess } from './file-access.ts';
import { interpolate } from './interpolate.ts';
import { mergeServices } from './merge.ts';
import { type Entry, entryAt, entryOf, type MapNode, type ScalarNode, type SpecNode } from './node.ts';
import { resolvePath } from './paths.ts';
import { originOf } from './source.ts';

/** A service, and where else its file's services are found. */
interface Home {
  /** Of the file; empty for the one that is being completed. */
  readonly path: string;
  readonly services: SpecNode | undefined;
  readonly service: (name: string) => Entry | undefined;
}

/** A service on the way, and its `extends`. */
interface Link {
  readonly id: string;
  readonly name: string;
  readonly home: Home;
  readonly node: SpecNode;
  readonly entry: Entry;
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

/** Applies `extends`, between the services of one file and across files (Compose specification, "Extends"). */
export function applyExtends(root: SpecNode, { loader }: { readonly loader: FileAccess }): SpecNode {
  const services = entryOf(root, 'services');
  if (root.kind !== 'map' || services?.node.kind !== 'map' || !someExtends(services.node)) return root;
  const node = new Extension(services.node, loader).apply();
  return { ...root, entries: new Map(root.entries).set('services', { ...services, node }) };
}

class Extension {
  readonly #services: MapNode;
  readonly #loader: FileAccess;
  readonly #home: Home;
  readonly #done = new Map<string, SpecNode>();

  constructor(services: MapNode, loader: FileAccess) {
    this.#services = services;
    this.#loader = loader;
    this.#home = { path: '', services, service: (name) => services.entries.get(name) };
  }

  apply(): MapNode {
    const entries = new Map<string, Entry>();
    for (const [name, entry] of this.#services.entries) entries.set(name, { ...entry, node: this.#resolve(name) });
    return { ...this.#services, entries };
  }

  /** Follows the chain to its first service, then merges back; a chain may be long, so it does not recurse. */
  #resolve(first: string): SpecNode {
    const chain: Link[] = [];
    let base: SpecNode | undefined;
    for (let next: Target | undefined = { home: this.#home, name: first }; next !== undefined; ) {
      const id = idOf(next);
      base = this.#done.get(id);
      const service = next.home.service(next.name);
      if (base !== undefined || service === undefined) break;
      const entry = entryOf(service.node, 'extends');
      if (entry === undefined) {
        base = service.node;
        break;
      }
      chain.push({ id, name: next.name, home: next.home, node: service.node, entry });
      next = this.#target(chain, entry);
    }
    for (const { id, node, entry } of chain.reverse()) {
      // A service without content gives nothing; the reference then prints the `extends`, too.
      if (base !== undefined && isNull(base)) base = node;
      else if (base === undefined) base = this.#withoutExtends(node);
      else base = mergeServices(base, this.#withoutExtends(node), this.#loader.diagnostics, entry);
      this.#done.set(id, base);
    }
    return base ?? { ...originOf(this.#services), kind: 'scalar', value: null, text: '' };
  }

  #withoutExtends(node: SpecNode): SpecNode {
    const rest = withoutExtends(node);
    this.#loader.diagnostics.trail?.laid(rest, { over: node, rule: 'extends' });
    return rest;
  }

  /** What the last link's `extends` means, if it can be followed. */
  #target(chain: readonly Link[], entry: Entry): Target | undefined {
    const service = scalarOf(entry.node.kind === 'map' ? entryOf(entry.node, 'service')?.node : entry.node);
    const home = this.#homeOf(entry, chain.at(-1)?.home ?? this.#home);
    if (service === undefined || home === undefined) return undefined;
    const target = { home, name: String(service.value) };
    const start = chain.findIndex(({ id }) => id === idOf(target));
    if (start !== -1) {
      const names = [...chain.slice(start), target].map((each) => shown(each));
      const message = `"extends" makes a cycle: ${names.join(' -> ')}`;
      this.#loader.diagnostics.add({ code: 'ref.cycle', message, origin: chain[start]?.entry ?? entry });
      return undefined;
    }
    if (home.service(target.name) !== undefined) return target;
    this.#complainMissing(target, service);
    return undefined;
  }

  #complainMissing({ home, name }: Target, service: ScalarNode): void {
    const { services } = home;
    const known = services?.kind === 'map' ? services : undefined;
    if (known?.aside?.includes(name) === true || known?.entries.has(name) === true || this.#loader.unread) return;
    const where = home.path === '' ? 'this file' : home.path;
    const message = `"extends" names the service "${name}", which does not exist in ${where}`;
    const hint = () => didYouMean(name, known?.entries.keys() ?? []);
    this.#loader.diagnostics.add({ code: 'ref.missing', message, hint, origin: service });
  }

  /** The file that an `extends` speaks of: the one it stands in unless it names another. */
  #homeOf({ node }: Entry, current: Home): Home | undefined {
    const file = scalarOf(entryOf(node, 'file')?.node);
    if (file === undefined) return current;
    const outer = file.source.scope;
    if (outer === undefined) return current;
    const base = { directory: outer.directory, home: outer.lookup('HOME') ?? '/root' };
    const path = resolvePath(String(file.value), base);
    const extended = this.#loader.extended(path, { ...outer, directory: dirname(path) }, originOf(file));
    if (extended === undefined) return undefined;
    return {
      path,
      services: entryOf(extended.tree, 'services')?.node,
      service: (name) => this.#serviceOf(extended, name),
    };
  }

  /** One service of another file, its variables filled in and its shape checked; the rest of the file is left alone. */
  #serviceOf(file: ExtendedFile, name: string): Entry | undefined {
    if (!file.services.has(name)) file.services.set(name, this.#checkedService(file, name));
    return file.services.get(name);
  }

  #checkedService({ tree, scope }: ExtendedFile, name: string): Entry | undefined {
    const services = entryOf(tree, 'services');
    const entry = entryOf(services?.node, name);
    if (services === undefined || entry === undefined) return undefined;
    const only: SpecNode = { ...originOf(services), kind: 'map', entries: new Map([[name, entry]]) };
    const root: SpecNode = {
      ...originOf(tree),
      kind: 'map',
      entries: new Map([['services', entryAt(services, only)]]),
    };
    const { diagnostics } = this.#loader;
    const filled = interpolate(root, scope.lookup, diagnostics);
    const checked = filled && checkPartialShape(filled, diagnostics);
    return entryOf(entryOf(checked, 'services')?.node, name);
  }
}

interface Target {
  readonly home: Home;
  readonly name: string;
}

function idOf({ home, name }: Target): string {
  return `${home.path}\0${name}`;
}

function shown({ home, name }: Target): string {
  return home.path === '' ? name : `${home.path}: ${name}`;
}

function scalarOf(node: SpecNode | undefined): ScalarNode | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node : undefined;
}

function isNull(node: SpecNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function withoutExtends(node: SpecNode): SpecNode {
  if (node.kind !== 'map') return node;
  const entries = new Map(node.entries);
  entries.delete('extends');
  return { ...node, entries };
}
