import { asideNames } from '../aside.ts';
import { at, type Context, complain, nameOf } from '../canonical/context.ts';
import { impliedDependencies } from '../dependency-place.ts';
import { type Dict, isDict } from '../node.ts';
import {
  type CheckInput,
  complainMissing,
  dictsOf,
  keysOf,
  partPlace,
  placeOf,
  type ServiceAt,
  type Use,
} from './input.ts';

const kinds = ['service', 'network', 'volume', 'secret', 'config', 'model'] as const;
type Kind = (typeof kinds)[number];

/** Every name that a service uses must be declared. */
export function checkReferences(input: CheckInput, context: Context): void {
  const declared = new Map<Kind, { names: readonly string[]; known: ReadonlySet<string> | undefined }>();
  for (const kind of kinds) {
    const names = kind === 'service' ? Object.keys(input.all) : keysOf(input.model[`${kind}s`]);
    declared.set(kind, { names, known: knownNames(context, `${kind}s`, names) });
  }
  for (const each of input.services) {
    for (const [kind, use] of usesOf(each)) {
      const { names = [], known } = declared.get(kind) ?? {};
      if (known?.has(use.name) !== false) continue;
      complainMissing(use, { what: kind, known: names, by: each.name });
    }
  }
}

/** What counts as declared in a section: also what was set aside there; undefined when that may be any name. */
function knownNames(context: Context, section: string, declared: readonly string[]): ReadonlySet<string> | undefined {
  const aside = asideNames(context.root, section);
  return aside === 'all' ? undefined : new Set([...declared, ...aside]);
}

function* usesOf(each: ServiceAt): Generator<[Kind, Use]> {
  const { service, place } = each;
  for (const use of serviceUses(each)) yield ['service', use];
  for (const kind of ['network', 'model'] as const) {
    const section = at(place, `${kind}s`);
    for (const name of keysOf(service[`${kind}s`])) yield [kind, { name, place: at(section, name), key: true }];
  }
  for (const volume of dictsOf(service['volumes'])) {
    const { type, source } = volume;
    if (type !== 'volume' || typeof source !== 'string') continue;
    yield ['volume', { name: source, place: partPlace(placeOf(volume, at(place, 'volumes')), 'source') }];
  }
  yield* fileUses(each);
}

function* serviceUses({ service, place }: ServiceAt): Generator<Use> {
  const implied = impliedDependencies(service, place);
  yield* implied;
  const names = new Set(implied.map(({ name }) => name));
  for (const name of keysOf(service['depends_on'])) {
    if (!names.has(name)) yield { name, place: at(at(place, 'depends_on'), name), key: true };
  }
  const contexts = isDict(service['build']) ? service['build']['additional_contexts'] : undefined;
  for (const [context, from] of Object.entries(isDict(contexts) ? contexts : {})) {
    if (typeof from !== 'string' || !from.startsWith('service:')) continue;
    const where = at(at(at(place, 'build'), 'additional_contexts'), context);
    yield { name: from.slice('service:'.length), place: where };
  }
}

/** Secrets and configs, those of the build included. */
function* fileUses({ service, place }: ServiceAt): Generator<[Kind, Use]> {
  const build = isDict(service['build']) ? service['build'] : undefined;
  const lists: [Kind, Dict[], ReturnType<typeof at>][] = [
    ['secret', dictsOf(service['secrets']), at(place, 'secrets')],
    ['config', dictsOf(service['configs']), at(place, 'configs')],
    ['secret', dictsOf(build?.['secrets']), at(at(place, 'build'), 'secrets')],
  ];
  for (const [kind, items, section] of lists) {
    for (const item of items) {
      const where = placeOf(item, section);
      if (item['source'] !== undefined) {
        yield [kind, { name: String(item['source']), place: partPlace(where, 'source') }];
        continue;
      }
      const hint = `write "source: NAME", a name below the top-level key "${kind}s"`;
      complain(where, { code: 'schema.missing', message: `${nameOf(where)} lacks the key "source"`, hint });
    }
  }
}
