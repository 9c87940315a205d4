import { type Dict, dict, isDict, type Value } from '../node.ts';
import { resolvePath } from '../paths.ts';
import { quoted } from '../printable.ts';
import { completeService } from './complete.ts';
import { at, baseOf, type Context, complain, nameOf, type Place, rootPlace } from './context.ts';
import { service } from './service.ts';
import { choice, count, flag, labels, list, mapOf, object, path, type Shape, text, word } from './shape.ts';

const pool = object({ subnet: text, gateway: text, ip_range: text, aux_addresses: labels });

const network = object(
  {
    name: text,
    driver: text,
    driver_opts: labels,
    ipam: object({ driver: text, config: list(pool), options: labels }),
    external: (value) => (value === false ? undefined : value),
    internal: flag,
    attachable: flag,
    labels,
    enable_ipv4: choice,
    enable_ipv6: choice,
  },
  (result) => {
    result['ipam'] ??= dict();
  },
);

const volume = object(
  {
    name: text,
    driver: text,
    driver_opts: labels,
    external: (value) => (value === false ? undefined : value),
    labels,
  },
  (result, place) => {
    const options = result['driver_opts'];
    if (result['driver'] !== 'local' || !isDict(options) || options['o'] !== 'bind') return;
    if (options['device'] !== undefined) options['device'] = resolvePath(String(options['device']), baseOf(place));
  },
);

const fileObject = object({
  name: text,
  file: path,
  environment: text,
  content: text,
  external: (value) => (value === false ? undefined : value),
  labels,
  driver: text,
  driver_opts: labels,
  template_driver: text,
});

const model = object({ name: text, model: text, context_size: count, runtime_flags: list(word) });

/** The resource's `name`: its own, its key if external, or `<project>_<key>`. `external: {name}` is the old form. */
function named(shape: Shape, project: string): Shape {
  return (value, place) => {
    const result = shape(value ?? null, place);
    if (!isDict(result)) return result;
    const external = result['external'];
    if (isDict(external)) oldExternal(result, external, place);
    result['name'] ??= result['external'] === true ? String(place.step) : `${project}_${place.step}`;
    return result;
  };
}

function oldExternal(result: Dict, external: Dict, place: Place): void {
  const old = external['name'];
  result['external'] = true;
  if (old === undefined) return;
  complain(at(place, 'external'), {
    severity: 'warning',
    code: 'deprecated.key',
    message: `${nameOf(place)}.external.name is the old form`,
    hint: `write "external: true" and "name: ${String(old)}"`,
  });
  if (result['name'] !== undefined && result['name'] !== old) {
    complain(place, {
      code: 'conflict.key',
      message: `${nameOf(place)} has two names: ${quoted(result['name'])} and ${quoted(old)}`,
    });
  }
  result['name'] = old;
}

const sections = { networks: network, volumes: volume, secrets: fileObject, configs: fileObject } as const;

/** The whole file in canonical form, defaults and implied parts filled in; services of all profiles. */
export function canonicalProject(value: Dict, name: string, context: Context): Dict {
  const root = rootPlace(context);
  const result = dict();
  for (const key of Object.keys(value)) if (key.startsWith('x-')) result[key] = value[key] ?? null;
  result['name'] = name;
  const services = dict();
  const written = value['services'];
  if (isDict(written)) {
    for (const key of Object.keys(written)) {
      const place = at(at(root, 'services'), key);
      const shaped = service(written[key] ?? null, place);
      if (isDict(shaped)) services[key] = completeService(shaped, place);
    }
  }
  result['services'] = services;
  for (const [section, shape] of Object.entries(sections)) {
    const resources = mapOf(named(shape, name))(withDefault(value, section, services), at(root, section));
    if (resources !== undefined) result[section] = resources;
  }
  const models = mapOf(model)(value['models'] ?? null, at(root, 'models'));
  if (models !== undefined) result['models'] = models;
  return result;
}

/** The network `default` is there as soon as a service uses it. */
function withDefault(value: Dict, section: string, services: Dict): Value {
  const written = value[section] ?? null;
  if (section !== 'networks') return written;
  const used = Object.values(services).some(
    (each) => isDict(each) && isDict(each['networks']) && each['networks']['default'] !== undefined,
  );
  if (!used || (isDict(written) && Object.hasOwn(written, 'default'))) return written;
  return Object.assign(dict(), isDict(written) ? written : {}, { default: null });
}
