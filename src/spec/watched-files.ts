import { dirname, resolve } from 'node:path';
import { Diagnostics } from './diagnose.ts';
import type { LoadRequest } from './load.ts';
import { entryOf, type SpecNode } from './node.ts';
import { type Lookup, substitute, TemplateError } from './template.ts';
import { findStackFiles, readTree, stackEnvironment } from './written.ts';

/** A stack of more files is watched in part. */
const MOST_FILES = 1000;
const OVERRIDABLE = /^(.*\/(?:docker-)?compose)\.ya?ml$/;

/**
 * Every file that what a stack means depends on, absolute: the stack files and the override files that may come, the
 * environment files, and what the stack files name under `include`, `extends`, `env_file` and `label_file`. Files that
 * are not there, or that cannot be parsed, are listed too. Throws `no-stack-file`.
 */
export function watchedFiles(request: LoadRequest): readonly string[] {
  const found = findStackFiles(request);
  const environment = stackEnvironment(request, found, new Diagnostics());
  const stackFiles = found.files.filter((file) => file !== '-');
  const watched = new Set([...found.envFiles, ...stackFiles]);
  if (request.files.length === 0) for (const file of stackFiles.flatMap(overridesOf)) watched.add(file);
  const open = stackFiles.map((file) => ({ file, directory: found.projectDirectory }));
  const read = new Set(stackFiles);
  for (let next = open.pop(); next !== undefined && watched.size < MOST_FILES; next = open.pop()) {
    const tree = readTree(request, { file: next.file, index: 0 }, new Diagnostics());
    if (tree === undefined) continue;
    const names = new Names(next.directory, (name) => environment.get(name));
    for (const file of names.plain(tree)) watched.add(file);
    for (const file of names.stackFiles(tree)) {
      watched.add(file);
      if (!read.has(file)) open.push({ file, directory: dirname(file) });
      read.add(file);
    }
  }
  return [...watched];
}

function overridesOf(file: string): readonly string[] {
  const base = OVERRIDABLE.exec(file)?.[1];
  return base === undefined ? [] : [`${base}.override.yml`, `${base}.override.yaml`];
}

/** The names of files in one stack file, made absolute. */
class Names {
  readonly #directory: string;
  readonly #lookup: Lookup;

  constructor(directory: string, lookup: Lookup) {
    this.#directory = directory;
    this.#lookup = lookup;
  }

  /** Files that hold variables or labels. */
  plain(tree: SpecNode): readonly string[] {
    const ofServices = children(entryOf(tree, 'services')?.node).flatMap((service) => [
      ...this.#paths(entryOf(service, 'env_file')?.node, 'path'),
      ...this.#paths(entryOf(service, 'label_file')?.node, 'path'),
    ]);
    const ofIncludes = children(entryOf(tree, 'include')?.node).flatMap((include) =>
      this.#paths(entryOf(include, 'env_file')?.node, 'path'),
    );
    return [...ofServices, ...ofIncludes];
  }

  /** Files that hold services. */
  stackFiles(tree: SpecNode): readonly string[] {
    const extended = children(entryOf(tree, 'services')?.node).flatMap((service) =>
      this.#paths(entryOf(entryOf(service, 'extends')?.node, 'file')?.node, 'path'),
    );
    return [...this.#paths(entryOf(tree, 'include')?.node, 'path'), ...extended];
  }

  /** A path, a list of them, or of mappings that hold them under `key`. */
  #paths(node: SpecNode | undefined, key: string): readonly string[] {
    if (node === undefined) return [];
    if (node.kind === 'seq') return node.items.flatMap((item) => this.#paths(item, key));
    if (node.kind === 'map') return this.#paths(entryOf(node, key)?.node, key);
    if (typeof node.value !== 'string' || node.value === '') return [];
    try {
      return [resolve(this.#directory, substitute(node.value, this.#lookup).text)];
    } catch (error) {
      if (error instanceof TemplateError) return [];
      throw error;
    }
  }
}

function children(node: SpecNode | undefined): readonly SpecNode[] {
  if (node?.kind === 'map') return [...node.entries.values()].map((entry) => entry.node);
  return node?.kind === 'seq' ? node.items : [];
}
