import { didYouMean } from '../../lib/nearest.ts';
import { at, type Context, complain, type Place, pathOf, rootPlace } from '../canonical/context.ts';
import { type Dict, isDict, nodeAt, type Value } from '../node.ts';

export interface CheckRequest {
  /** Canonical, services of all profiles. */
  readonly model: Dict;
  readonly all: Dict;
  /** Services that profiles leave on. */
  readonly enabled: Dict;
}

export interface CheckInput extends CheckRequest {
  /** Those that are enabled. */
  readonly services: readonly ServiceAt[];
}

export interface ServiceAt {
  readonly name: string;
  readonly service: Dict;
  readonly place: Place;
}

/** The services of a section, each with its place. */
export function servicesOf(services: Dict, context: Context): ServiceAt[] {
  const parent = at(rootPlace(context), 'services');
  const result: ServiceAt[] = [];
  for (const [name, service] of Object.entries(services)) {
    if (isDict(service)) result.push({ name, service, place: at(parent, name) });
  }
  return result;
}

/** A question about one service, that only makes sense when it has one of these keys. */
export interface ServiceCheck {
  readonly keys: readonly string[];
  readonly check: (each: ServiceAt) => void;
}

/** Asks every service the questions that its keys raise: most have few of the keys that there are. */
export function checkServices({ services }: CheckInput, checks: readonly ServiceCheck[]): void {
  for (const each of services) {
    for (const { keys, check } of checks) {
      if (keys.some((key) => each.service[key] !== undefined)) check(each);
    }
  }
}

export function dictsOf(value: Value | undefined): Dict[] {
  return Array.isArray(value) ? value.filter(isDict) : [];
}

export function keysOf(value: Value | undefined): string[] {
  return isDict(value) ? Object.keys(value) : [];
}

/** Where an expanded item was written, else where its list is. */
export function placeOf(item: Dict, otherwise: Place): Place {
  return otherwise.context.places.get(item) ?? otherwise;
}

/** Where a part of an item was written: the value of its key in the long form, the whole item in the short one. */
export function partPlace(item: Place, key: string): Place {
  const part = at(item, key);
  const node = nodeAt(item.context.root, pathOf(item));
  return node?.kind === 'map' && node.entries.has(key) ? part : item;
}

/** A name that a service uses, and where; `key` when it stands there as the key of a mapping. */
export interface Use {
  readonly name: string;
  readonly place: Place;
  readonly key?: boolean;
}

/** Complains of a name that nothing declares, with the nearest one that is. */
export function complainMissing(use: Use, missing: { what: string; known: readonly string[]; by: string }): void {
  const { name, place, key = false } = use;
  const { what, known, by } = missing;
  const present = known.length === 0 ? undefined : `the ${what}s are ${known.slice(0, 8).join(', ')}`;
  const declare = what === 'service' ? undefined : `declare it below the top-level key "${what}s"`;
  complain(place, {
    code: 'ref.missing',
    message: `the service "${by}" uses the ${what} "${name}", which does not exist`,
    hint: () => didYouMean(name, known) ?? declare ?? present,
    key,
  });
}
