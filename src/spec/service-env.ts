import { at, type Context, type Place, pathOf, rootPlace } from './canonical/context.ts';
import { type Dict, dict, isDict, locate, nodeAt } from './node.ts';
import { pathKind } from './read.ts';
import type { Origin } from './source.ts';
import { readEnvFile } from './variables.ts';

/** Reads `env_file` and `label_file` of the services; what the service says itself wins. */
export function resolveServiceFiles(services: Dict, context: Context): void {
  for (const [name, service] of Object.entries(services)) {
    if (!isDict(service)) continue;
    const place = at(at(rootPlace(context), 'services'), name);
    resolveEnvironment(service, place);
    resolveLabels(service, place);
  }
}

function resolveEnvironment(service: Dict, place: Place): void {
  const { context } = place;
  const files = service['env_file'];
  delete service['env_file'];
  if (!Array.isArray(files)) return;
  const own = isDict(service['environment']) ? service['environment'] : dict();
  const variables = new Map<string, string>();
  const lookup = (name: string) => {
    const value = own[name];
    return context.scope.lookup(name) ?? (typeof value === 'string' ? value : undefined);
  };
  for (const [index, file] of files.entries()) {
    if (!isDict(file)) continue;
    const path = String(file['path'] ?? '');
    if (file['required'] === false && pathKind(path) === 'missing') continue;
    const origin = originOfPath(at(at(place, 'env_file'), index));
    const format = typeof file['format'] === 'string' ? file['format'] : undefined;
    const before = new Map(variables);
    readEnvFile({ path, format, into: variables, lookup, origin }, context.diagnostics);
    note(place, 'env', { path, before, now: variables, own });
  }
  context.diagnostics.trail?.serviceFiles(String(place.step), 'environment', variables);
  const result = dict();
  for (const [name, value] of variables) result[name] = value;
  for (const [name, value] of Object.entries(own)) result[name] = value;
  if (Object.keys(result).length > 0) service['environment'] = result;
}

function resolveLabels(service: Dict, place: Place): void {
  const files = service['label_file'];
  delete service['label_file'];
  if (!Array.isArray(files)) return;
  const labels = new Map<string, string>();
  const own = isDict(service['labels']) ? service['labels'] : dict();
  for (const [index, path] of files.entries()) {
    const origin = originOfPath(at(at(place, 'label_file'), index));
    const before = new Map(labels);
    const request = { path: String(path), into: labels, lookup: () => undefined, origin };
    readEnvFile(request, place.context.diagnostics);
    note(place, 'labels', { path: String(path), before, now: labels, own });
  }
  place.context.diagnostics.trail?.serviceFiles(String(place.step), 'labels', labels);
  const result = dict();
  for (const [name, value] of labels) result[name] = value;
  Object.assign(result, own);
  if (Object.keys(result).length > 0) service['labels'] = result;
}

interface Read {
  readonly path: string;
  readonly before: ReadonlyMap<string, string>;
  readonly now: ReadonlyMap<string, string>;
  /** What the service says itself. */
  readonly own: Dict;
}

/** Remembers which file a value came from: the last that changed it. */
function note(place: Place, field: 'env' | 'labels', { path, before, now, own }: Read): void {
  const name = String(place.step);
  const origins = place.context.origins.get(name) ?? Object.create(null);
  for (const [key, value] of now)
    if (own[key] === undefined && before.get(key) !== value) origins[`${field}.${key}`] = path;
  place.context.origins.set(name, origins);
}

/** A file is named by an item of a list, by the only value, or by the item's key `path`. */
function originOfPath(item: Place): Origin {
  const { root } = item.context;
  const long = at(item, 'path');
  return locate(root, pathOf(nodeAt(root, pathOf(long)) === undefined ? item : long));
}
