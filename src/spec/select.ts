import { didYouMean } from '../lib/nearest.ts';
import { asideNames } from './aside.ts';
import { at, type Context, complain, rootPlace } from './canonical/context.ts';
import { dependencyPlace } from './dependency-place.ts';
import { type Dict, dict, isDict, type Value } from './node.ts';
import { printable, quoted } from './printable.ts';

export interface Selection {
  readonly profiles: readonly string[];
  /** Services that the command names; empty: all. */
  readonly services: readonly string[];
}

export interface Selected {
  readonly enabled: Dict;
  /** Services that a profile switches off, sorted. */
  readonly disabled: readonly string[];
  /** Enabled ones that are neither named nor needed by what is, sorted. */
  readonly leftOut: readonly string[];
}

/** Applies profiles, then the choice of services with what they depend on (Compose specification, "Profiles"). */
export function selectServices(all: Dict, selection: Selection, context: Context): Selected {
  const profiles = new Set(selection.profiles);
  for (const name of selection.services) for (const each of profilesOf(all[name])) profiles.add(each);
  const enabled = dict();
  const disabled: string[] = [];
  for (const name of Object.keys(all).sort()) {
    if (hasProfile(all[name], profiles)) enabled[name] = all[name] ?? null;
    else disabled.push(name);
  }
  checkServiceNames(selection.services, all, context);
  checkDisabled({ all, enabled }, new Set(disabled), context);
  if (selection.services.length === 0) return { enabled, disabled, leftOut: [] };
  const chosen = closure(enabled, selection.services);
  const leftOut = Object.keys(enabled).filter((name) => !Object.hasOwn(chosen, name));
  return { enabled: chosen, disabled, leftOut };
}

/** Complains of names that a command gave and no file has. */
export function checkServiceNames(names: readonly string[], all: Dict, context: Context): void {
  const aside = asideNames(context.root, 'services');
  for (const name of names) {
    if (Object.hasOwn(all, name) || aside === 'all' || aside.includes(name)) continue;
    const hint = () => didYouMean(name, Object.keys(all)) ?? `the services are ${Object.keys(all).sort().join(', ')}`;
    context.diagnostics.add({ code: 'ref.missing', message: `there is no service ${quoted(name)}`, hint });
  }
}

function profilesOf(service: Value | undefined): string[] {
  const profiles = isDict(service) ? service['profiles'] : undefined;
  return Array.isArray(profiles) ? profiles.map(String) : [];
}

function hasProfile(service: Value | undefined, active: ReadonlySet<string>): boolean {
  const profiles = profilesOf(service);
  return profiles.length === 0 || active.has('*') || profiles.some((profile) => active.has(profile));
}

/** A required dependency that a profile switches off is an error; one that is not required is dropped. */
function checkDisabled(
  { all, enabled }: { all: Dict; enabled: Dict },
  disabled: ReadonlySet<string>,
  context: Context,
): void {
  for (const [name, service] of Object.entries(enabled)) {
    if (!isDict(service)) continue;
    const dependsOn = service['depends_on'];
    if (!isDict(dependsOn)) continue;
    for (const [other, dependency] of Object.entries(dependsOn)) {
      if (!disabled.has(other)) continue;
      if (isDict(dependency) && dependency['required'] === false) continue;
      const { place, key } = dependencyPlace(service, at(at(rootPlace(context), 'services'), name), other);
      complain(place, {
        code: 'ref.disabled',
        message: `the service "${name}" depends on "${other}", which no active profile enables`,
        hint: disabledHint(all[other], key),
        key,
      });
    }
  }
}

/** `written`: whether it is a `depends_on`, which may be optional. */
function disabledHint(service: Value | undefined, written: boolean): string {
  const [profile = 'NAME'] = profilesOf(service);
  return `enable it with "--profile ${printable(profile)}"${written ? ', or write "required: false"' : ''}`;
}

function closure(enabled: Dict, names: readonly string[]): Dict {
  const chosen = new Set<string>();
  const open = names.filter((name) => Object.hasOwn(enabled, name));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (chosen.has(name)) continue;
    chosen.add(name);
    const service = enabled[name];
    const dependsOn = isDict(service) ? service['depends_on'] : undefined;
    if (isDict(dependsOn)) open.push(...Object.keys(dependsOn).filter((each) => Object.hasOwn(enabled, each)));
  }
  const result = dict();
  for (const [name, service] of Object.entries(enabled)) if (chosen.has(name)) result[name] = service;
  return result;
}
