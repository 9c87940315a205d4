import { asideNames } from '../aside.ts';
import { at, type Context, complain, nameOf } from '../canonical/context.ts';
import { impliedDependencies, implyingKeys } from '../dependency-place.ts';
import { type Dict, isDict } from '../node.ts';
import {
  type CheckInput,
  checkServices,
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
  const look = (kind: Kind, use: Use, each: ServiceAt): void => {
    const { names = [], known } = declared.get(kind) ?? {};
    if (known?.has(use.name) === false) complainMissing(use, { what: kind, known: names, by: each.name });
  };
  checkServices(
    input,
    finders.map(({ keys, find }) => ({
      keys,
      check: (each) => {
        for (const [kind, use] of find(each)) look(kind, use, each);
      },
    })),
  );
}

const finders: readonly { readonly keys: readonly string[]; readonly find: (each: ServiceAt) => [Kind, Use][] }[] = [
  { keys: [...implyingKeys, 'depends_on', 'build'], find: serviceUses },
  { keys: ['networks'], find: (each) => namedUses('network', each) },
  { keys: ['models'], find: (each) => namedUses('model', each) },
  { keys: ['volumes'], find: volumeUses },
  { keys: ['secrets', 'configs', 'build'], find: fileUses },
];

/** What counts as declared in a section: also what was set aside there; undefined when that may be any name. */
function knownNames(context: Context, section: string, declared: readonly string[]): ReadonlySet<string> | undefined {
  const aside = asideNames(context.root, section);
  return aside === 'all' ? undefined : new Set([...declared, ...aside]);
}

function namedUses(kind: 'network' | 'model', { service, place }: ServiceAt): [Kind, Use][] {
  const section = at(place, `${kind}s`);
  return keysOf(service[`${kind}s`]).map((name) => [kind, { name, place: at(section, name), key: true }]);
}

function volumeUses({ service, place }: ServiceAt): [Kind, Use][] {
  return dictsOf(service['volumes']).flatMap((volume): [Kind, Use][] => {
    const { type, source } = volume;
    if (type !== 'volume' || typeof source !== 'string') return [];
    return [['volume', { name: source, place: partPlace(placeOf(volume, at(place, 'volumes')), 'source') }]];
  });
}

function serviceUses({ service, place }: ServiceAt): [Kind, Use][] {
  const uses: Use[] = [...impliedDependencies(service, place)];
  const names = new Set(uses.map(({ name }) => name));
  for (const name of keysOf(service['depends_on'])) {
    if (!names.has(name)) uses.push({ name, place: at(at(place, 'depends_on'), name), key: true });
  }
  const contexts = isDict(service['build']) ? service['build']['additional_contexts'] : undefined;
  for (const [context, from] of Object.entries(isDict(contexts) ? contexts : {})) {
    if (typeof from !== 'string' || !from.startsWith('service:')) continue;
    const where = at(at(at(place, 'build'), 'additional_contexts'), context);
    uses.push({ name: from.slice('service:'.length), place: where });
  }
  return uses.map((use) => ['service', use]);
}

/** Secrets and configs, those of the build included. */
function fileUses({ service, place }: ServiceAt): [Kind, Use][] {
  const uses: [Kind, Use][] = [];
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
        uses.push([kind, { name: String(item['source']), place: partPlace(where, 'source') }]);
        continue;
      }
      const hint = `write "source: NAME", a name below the top-level key "${kind}s"`;
      complain(where, { code: 'schema.missing', message: `${nameOf(where)} lacks the key "source"`, hint });
    }
  }
  return uses;
}
