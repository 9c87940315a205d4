import { dirname } from 'node:path';
import type { FileAccess } from './file-access.ts';
import { interpolate } from './interpolate.ts';
import { mergeFiles } from './merge.ts';
import { type Entry, entryOf, type ScalarNode, type SpecNode } from './node.ts';
import { resolvePath } from './paths.ts';
import { quoted } from './printable.ts';
import { pathKind } from './read.ts';
import { type Origin, originOf, type Scope } from './source.ts';
import { variablesBehind } from './variables.ts';

/** What an included file brings; its name and extensions are its own. */
const sections = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models'];

export interface Including {
  readonly loader: FileAccess;
  readonly scope: Scope;
  /** Absolute paths of the files that led here. */
  readonly chain: readonly string[];
}

export function usesInclude(root: SpecNode): boolean {
  return entryOf(root, 'include') !== undefined;
}

/**
 * The tree with everything that its `include` names: each entry is a stack of its own, with its own directory and
 * variables; what both have is merged, the including file on top (Compose specification, "Include").
 */
export function applyIncludes(root: SpecNode, including: Including): SpecNode {
  const written = entryOf(root, 'include')?.node;
  if (root.kind !== 'map' || written === undefined) return root;
  const { loader, scope } = including;
  const include = loader.raw ? interpolate(written, scope.lookup, loader.diagnostics) : written;
  const entries = new Map(root.entries);
  entries.delete('include');
  let result: SpecNode = { ...root, entries };
  for (const item of include?.kind === 'seq' ? include.items : []) {
    const imported = loadInclude(item, including);
    if (imported !== undefined) result = mergeFiles(imported, result, including.loader.diagnostics, item);
  }
  return result;
}

/** The sections that one entry brings. */
function loadInclude(item: SpecNode, { loader, scope, chain }: Including): SpecNode | undefined {
  const paths = texts(item.kind === 'scalar' ? item : entryOf(item, 'path')?.node);
  const [first] = paths;
  if (first === undefined) return undefined;
  const files = paths.map((node) => absolute(node, scope));
  const cycle = files.findIndex((file) => chain.includes(file));
  if (cycle !== -1) {
    const names = [...chain.slice(chain.indexOf(files[cycle] ?? '')), files[cycle]];
    const message = `"include" makes a cycle: ${names.join(' -> ')}`;
    loader.diagnostics.add({ code: 'ref.cycle', message, origin: originOf(paths[cycle] ?? first) });
    return undefined;
  }
  if (paths.some((node) => isRemote(node, loader))) return undefined;
  const directory = directoryOf(item, files[0] ?? '', scope);
  const inner: Scope = { directory, project: directory, lookup: variablesOf(item, { directory, scope, loader }) };
  loader.scoped = true;
  const trees = files.flatMap((file, index) => loader.read(file, inner, originOf(paths[index] ?? first)) ?? []);
  const tree = loader.assemble(trees, inner, [...chain, ...files]);
  if (tree?.kind !== 'map') return undefined;
  const entries = new Map<string, Entry>();
  for (const [key, entry] of tree.entries) if (sections.includes(key)) entries.set(key, entry);
  return { ...tree, entries };
}

function directoryOf(item: SpecNode, file: string, scope: Scope): string {
  const [given] = texts(entryOf(item, 'project_directory')?.node);
  return given === undefined ? dirname(file) : absolute(given, scope);
}

/** The including file's variables first, then those of `env_file`, or of `.env` beside the included file. */
function variablesOf(
  item: SpecNode,
  { directory, scope, loader }: { directory: string; scope: Scope; loader: FileAccess },
) {
  const given = texts(entryOf(item, 'env_file')?.node);
  const files: { path: string; origin?: Origin }[] = given.map((node) => ({
    path: absolute(node, scope),
    origin: originOf(node),
  }));
  const usual = `${directory}/.env`;
  if (files.length === 0) loader.diagnostics.files.add(usual);
  if (files.length === 0 && pathKind(usual) === 'file') files.push({ path: usual });
  const real = files.filter(({ path }) => path !== '/dev/null');
  return variablesBehind(scope.lookup, real, loader.diagnostics);
}

function isRemote(node: ScalarNode, loader: FileAccess): boolean {
  if (!/^(?:https?|git|ssh|oci):\/\/|^git@|^github\.com\//.test(node.text)) return false;
  const message = `"include" of ${quoted(node.text)}: files from elsewhere are not fetched`;
  const hint = 'fetch it yourself, and name the file on disk';
  loader.diagnostics.add({ code: 'unsupported.key', message, hint, origin: originOf(node) });
  loader.unread = true;
  return true;
}

function absolute(node: ScalarNode, scope: Scope): string {
  return resolvePath(String(node.value), { directory: scope.directory, home: scope.lookup('HOME') ?? '/root' });
}

/** A single text, or a list of them. */
function texts(node: SpecNode | undefined): readonly ScalarNode[] {
  const nodes = node?.kind === 'seq' ? node.items : node === undefined ? [] : [node];
  return nodes.filter((each): each is ScalarNode => each.kind === 'scalar' && each.value !== null);
}
