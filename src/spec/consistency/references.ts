import { asideNames } from '../aside.ts';
import { at, type Context, complain, nameOf, type Place } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import { type CheckInput, complainMissing, dictsOf, keysOf, placeOf, type ServiceAt, servicesOf } from './input.ts';

/** Every name that a service uses must be declared. */
export function checkReferences(input: CheckInput, context: Context): void {
  const declared = {
    service: Object.keys(input.all),
    network: keysOf(input.model['networks']),
    volume: keysOf(input.model['volumes']),
    secret: keysOf(input.model['secrets']),
    config: keysOf(input.model['configs']),
    model: keysOf(input.model['models']),
  };
  const sets = Object.fromEntries(
    Object.entries(declared).map(([what, names]) => [what, knownNames(context, `${what}s`, names)]),
  );
  for (const each of servicesOf(input.enabled, context)) {
    const require = (what: keyof typeof declared, name: string, place: Place) => {
      if (sets[what]?.has(name) !== false) return;
      complainMissing(place, { what, name, known: declared[what], by: each.name });
    };
    checkServiceNames(each, require);
    for (const name of keysOf(each.service['networks'])) require('network', name, at(at(each.place, 'networks'), name));
    for (const name of keysOf(each.service['models'])) require('model', name, at(at(each.place, 'models'), name));
    checkVolumes(each, require);
    for (const key of ['secret', 'config'] as const) {
      for (const item of dictsOf(each.service[`${key}s`])) {
        const where = placeOf(item, at(each.place, `${key}s`));
        if (item['source'] !== undefined) require(key, String(item['source']), where);
        else complain(where, { code: 'schema.missing', message: `${nameOf(where)} lacks the key "source"` });
      }
    }
  }
}

/** What counts as declared in a section: also what was set aside there; undefined when that may be any name. */
function knownNames(context: Context, section: string, declared: readonly string[]): ReadonlySet<string> | undefined {
  const aside = asideNames(context.root, section);
  return aside === 'all' ? undefined : new Set([...declared, ...aside]);
}

type Require = (what: 'service' | 'volume', name: string, place: Place) => void;

function checkServiceNames({ service, place }: ServiceAt, require: Require): void {
  const implied = new Set<string>();
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const mode = service[key];
    if (typeof mode !== 'string' || !mode.startsWith('service:')) continue;
    const name = mode.slice('service:'.length);
    implied.add(name);
    require('service', name, at(place, key));
  }
  for (const key of ['links', 'volumes_from']) {
    for (const [index, spec] of ([service[key]].flat() as unknown[]).entries()) {
      const [name = ''] = typeof spec === 'string' ? spec.split(':') : [];
      if (name === '' || name === 'container') continue;
      implied.add(name);
      require('service', name, at(at(place, key), index));
    }
  }
  for (const name of keysOf(service['depends_on'])) {
    if (!implied.has(name)) require('service', name, at(at(place, 'depends_on'), name));
  }
}

function checkVolumes({ service, place }: ServiceAt, require: Require): void {
  const targets = new Map<string, Place>();
  for (const volume of dictsOf(service['volumes'])) {
    const where = placeOf(volume, at(place, 'volumes'));
    if (volume['type'] === 'volume' && typeof volume['source'] === 'string') require('volume', volume['source'], where);
    if (volume['type'] !== 'npipe') checkTarget(String(volume['target']), where, targets);
  }
  for (const [index, spec] of ([service['tmpfs'] ?? []].flat() as unknown[]).entries()) {
    checkTarget(String(spec).split(':')[0] ?? '', at(at(place, 'tmpfs'), index), targets);
  }
}

function checkTarget(target: string, place: Place, targets: Map<string, Place>): void {
  if (targets.has(target))
    complain(place, { code: 'conflict.mount', message: `two mounts have the target "${target}"` });
  if (!target.startsWith('/')) {
    const hint = 'write the path in the container from "/" on';
    complain(place, { message: `the mount target "${target}" is not an absolute path`, hint });
  }
  targets.set(target, place);
}

/** Keys that exclude each other, or that must agree. */
export function checkExclusive(input: CheckInput, context: Context): void {
  for (const { name, service, place } of servicesOf(input.enabled, context)) {
    if (service['network_mode'] !== undefined && keysOf(service['networks']).length > 0) {
      const message = `the service "${name}" has both "network_mode" and "networks": keep one`;
      complain(at(place, 'network_mode'), { code: 'conflict.key', message, key: true });
    }
    const build = service['build'];
    if (isDict(build) && build['dockerfile'] !== undefined && build['dockerfile_inline'] !== undefined) {
      const message = `the service "${name}" has both "dockerfile" and "dockerfile_inline": keep one`;
      complain(at(at(place, 'build'), 'dockerfile_inline'), { code: 'conflict.key', message, key: true });
    }
    checkPlatform({ name, service, place });
    for (const rule of dictsOf(isDict(service['develop']) ? service['develop']['watch'] : undefined)) {
      if (rule['target'] !== undefined || ['rebuild', 'restart'].includes(String(rule['action']))) continue;
      const message = `a watch rule with the action "${String(rule['action'])}" needs a target`;
      complain(at(at(place, 'develop'), 'watch'), { code: 'schema.missing', message, key: true });
    }
  }
}

function checkPlatform({ name, service, place }: ServiceAt): void {
  const build = service['build'];
  const platforms = isDict(build) ? build['platforms'] : undefined;
  const platform = service['platform'];
  if (!Array.isArray(platforms) || platform === undefined || platforms.includes(platform)) return;
  const message = `the service "${name}" has the platform "${String(platform)}", which its build.platforms do not list`;
  complain(at(place, 'platform'), { code: 'conflict.key', message });
}
