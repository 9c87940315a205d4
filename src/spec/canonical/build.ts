import { type Dict, dict, isDict, type Value } from '../node.ts';
import { resolvePath } from '../paths.ts';
import { at, baseOf, type Place, pathOf, scopeAt } from './context.ts';
import { fileMounts } from './file-mounts.ts';
import { extraHosts } from './hosts.ts';
import { bytes, flag, labels, list, object, oneOrMore, type Shape, text, variables, word } from './shape.ts';
import { ulimits } from './ulimits.ts';

/** A folder, or something elsewhere that stays as it is: `https://…`, `git@…`, `docker-image://…`, `service:x`. */
const context: Shape = (value, place) => {
  const spec = String(value ?? '');
  const remote =
    /^(https?|git|ssh|docker-image|oci-layout|target):/.test(spec) || /^(git@|github\.com\/|service:)/.test(spec);
  return remote ? spec : resolvePath(spec, baseOf(place));
};

/** Keys of the ssh agent, as a list: `default`, or `name=path`. */
const ssh: Shape = (value, place) => {
  const keys = labels(value, place);
  if (!isDict(keys)) return undefined;
  return Object.entries(keys).map(([name, each]) =>
    each === '' ? name : `${name}=${resolvePath(String(each), baseOf(place))}`,
  );
};

const shapes: Readonly<Record<string, Shape>> = {
  context,
  dockerfile: word,
  dockerfile_inline: text,
  entitlements: list(word),
  args: variables,
  provenance: text,
  sbom: text,
  ssh,
  labels,
  cache_from: list(word),
  cache_to: list(word),
  no_cache: flag,
  no_cache_filter: oneOrMore(word),
  additional_contexts: (value, place) => contexts(value, place),
  pull: flag,
  extra_hosts: extraHosts,
  isolation: text,
  network: text,
  target: text,
  secrets: fileMounts(),
  shm_size: bytes(),
  tags: list(word),
  ulimits,
  platforms: list(word),
  privileged: flag,
};

const long = object(shapes, (result: Dict, place) => {
  // Unlike a written one, also where a service of a file elsewhere is extended.
  result['context'] ??= scopeAt(place.context, () => pathOf(place)).project;
  if (result['dockerfile_inline'] === undefined) result['dockerfile'] ??= 'Dockerfile';
  if (result['dockerfile'] === '') delete result['dockerfile'];
});

function contexts(value: Value, place: Place): Value | undefined {
  const plain = labels(value, place);
  if (!isDict(plain)) return undefined;
  const result = dict();
  for (const [name, each] of Object.entries(plain)) result[name] = context(each, at(place, name)) ?? '';
  return result;
}

/** `build`: a folder, or a mapping. */
export const build: Shape = (value, place) =>
  isDict(value) ? long(value, place) : long(Object.assign(dict(), { context: value }), place);
