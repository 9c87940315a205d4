import { didYouMean } from '../../lib/nearest.ts';
import { at, type Context, complain, type Place, rootPlace } from '../canonical/context.ts';
import { type Dict, isDict, type Value } from '../node.ts';

export interface CheckInput {
  /** Canonical, services of all profiles. */
  readonly model: Dict;
  readonly all: Dict;
  /** Services that profiles leave on. */
  readonly enabled: Dict;
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

/** Complains of a name that nothing declares, with the nearest one that is. */
export function complainMissing(
  place: Place,
  missing: { what: string; name: string; known: readonly string[]; by: string },
) {
  const { what, name, known, by } = missing;
  const place2 = known.length === 0 ? undefined : `the ${what}s are ${known.slice(0, 8).join(', ')}`;
  const declare = what === 'service' ? undefined : `declare it below the top-level key "${what}s"`;
  complain(place, {
    code: 'ref.missing',
    message: `the service "${by}" uses the ${what} "${name}", which does not exist`,
    hint: didYouMean(name, known) ?? declare ?? place2,
    key: true,
  });
}
