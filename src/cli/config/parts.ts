import { TsstackError } from '../../model/error.ts';
import type { LinkShape } from '../../model/shape.ts';
import type { Service } from '../../model/stack.ts';
import type { LoadResult } from '../../spec/load.ts';
import { didYouMean } from '../suggest.ts';

/** Parts of a stack that are printed as names, one a line. */
export const PARTS = ['services', 'volumes', 'networks', 'images', 'profiles', 'models'] as const;
export type Part = (typeof PARTS)[number];

/** The names of one part, sorted. Services are those that are enabled, profiles those of all services. */
export function listPart(part: Part, { model, stack, written }: LoadResult): readonly string[] {
  switch (part) {
    case 'images':
      return unique(members(model, 'services').flatMap(([name, service]) => imageOf(stack.name, name, service)));
    case 'profiles': {
      const lists = members(written, 'services').map(([, service]) => service['profiles']);
      return unique(lists.flatMap((list) => (Array.isArray(list) ? list.map(String) : [])));
    }
    case 'models':
      return unique(members(written, 'models').map(([name]) => name));
    default:
      return unique(members(model, part).map(([name]) => name));
  }
}

/** An image that is built and has no name of its own is named after its service, as Compose does. */
function imageOf(stack: string, name: string, service: Members): readonly string[] {
  if (typeof service['image'] === 'string') return [service['image']];
  return service['build'] === undefined || service['build'] === null ? [] : [`${stack}-${name}`];
}

/**
 * A hash of each service by name. Equal hashes are equal containers: what only decides how many there are, how their
 * image is made and what they wait for is left out, as in Compose. `wanted` is `*` or names with commas between. Throws
 * `usage` for a service that is not there or not enabled.
 */
export async function hashesOf(result: LoadResult, wanted: string): Promise<Readonly<Record<string, string>>> {
  const { stableHash } = await import('../../lib/stable-json.ts');
  const services = new Map(members(result.model, 'services'));
  const names = wanted === '*' ? [...services.keys()] : wanted.split(',');
  const hashes: Record<string, string> = Object.create(null);
  for (const name of names.sort()) {
    const service = services.get(name);
    if (service === undefined) throw unknownService(name, [...services.keys()], result);
    const { build: _build, pull_policy: _policy, scale: _scale, depends_on: _needs, profiles: _, ...kept } = service;
    // What the canonical form has no words for: `x-rootfs`, `x-time-namespace`, `x-ready`, `x-on-unhealthy`, `x-shape`.
    const { source, namespaces, healthcheck, restartUnhealthy, networks = {} } = result.stack.services[name] ?? {};
    hashes[name] = stableHash({
      ...kept,
      deploy: deployOf(kept),
      source,
      namespaces,
      ready: healthcheck?.ready,
      restartUnhealthy,
      shapes: shapesOf(networks),
    });
  }
  return hashes;
}

/** By network; undefined where none is shaped. */
function shapesOf(networks: Service['networks']): Readonly<Record<string, LinkShape>> | undefined {
  const shapes = Object.entries(networks).flatMap(([name, { shape }]) => (shape === undefined ? [] : [[name, shape]]));
  return shapes.length === 0 ? undefined : Object.fromEntries(shapes);
}

/** `deploy` without the number of replicas; undefined when that is all it says. */
function deployOf({ deploy }: Members): Members | undefined {
  if (!isMembers(deploy)) return undefined;
  const said = Object.entries(deploy).filter(
    ([key, value]) => key !== 'replicas' && !(isMembers(value) && Object.keys(value).length === 0),
  );
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

function unknownService(name: string, names: readonly string[], { stack }: LoadResult): TsstackError {
  if (stack.disabledServices.includes(name)) {
    return new TsstackError('usage', `No active profile enables the service "${name}"`, {
      hint: 'Add --profile with one of its profiles, or --profile "*"',
    });
  }
  const close = didYouMean(name, names);
  const hint = close === undefined ? `The services are ${names.join(', ')}` : `Did you mean "${close}"?`;
  return new TsstackError('usage', `There is no service "${name}"`, { hint });
}

type Members = Readonly<Record<string, unknown>>;

function members(model: Members, key: string): [string, Members][] {
  const section = model[key];
  if (!isMembers(section)) return [];
  return Object.entries(section).map(([name, value]) => [name, isMembers(value) ? value : {}]);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
