import { at, type Context, pathOf, rootPlace } from '../canonical/context.ts';
import { dependencyPlace } from '../dependency-place.ts';
import { type Dict, entryOf, isDict, locate, nodeAt, type Path, type SpecNode, type Value } from '../node.ts';
import type { Origin } from '../source.ts';
import { plainText } from './path.ts';

/** Why a value is there that nobody wrote. */
export interface Implied {
  readonly rule: 'default' | 'implied';
  readonly note: string;
  /** What it follows from, where that is written. */
  readonly origin?: Origin | undefined;
}

/** Paths with names of the user's choice as `*`, and what is said of a value there that is not written. */
const reasons: readonly (readonly [RegExp, Implied['rule'], string])[] = [
  [/^services\.\*\.(command|entrypoint)$/, 'default', 'the image decides'],
  [/^services\.\*\.networks\.default$/, 'implied', 'a service that names no network joins "default"'],
  [/^networks\.default(\.ipam)?$/, 'implied', 'services that name no network join it'],
  [/^services\.\*\.build\.context$/, 'default', 'the directory of the stack'],
  [/^services\.\*\.(secrets|configs)\.\d+\.target$/, 'default', 'the name of its source'],
  [/^services\.\*\.deploy\.(resources|placement)$/, 'default', 'always there'],
];

/** What the short form of a value leaves to defaults, by the last key. */
const leftOpen = new Set([
  'mode',
  'protocol',
  'create_host_path',
  'condition',
  'required',
  'permissions',
  'dockerfile',
  'bind',
  'volume',
]);

/** Whether a part of a short form is not said by it, but a default. */
export function isLeftOpen(path: Path, value: Value, written: string): boolean {
  const key = String(path.at(-1));
  const folder = key === 'target' && /^(secrets|configs)$/.test(String(path.at(-3)));
  return (leftOpen.has(key) || folder) && !written.includes(plainText(value) || '\0');
}

/** Why a canonical value is there whose path ends in a mapping or list that does not write it. */
export function impliedBy(path: Path, model: Dict, context: Context): Implied {
  const pattern = path.map((step, index) => (index === 1 && path[0] === 'services' ? '*' : String(step))).join('.');
  const [section, name, key, inner] = path.map(String);
  if (section === 'services' && key === 'depends_on' && inner !== undefined) {
    const found = dependencyOf(path, model, context);
    if (found !== undefined) return found;
  }
  if (key === 'name' && path.length === 3 && section !== 'services') return nameOf(path, model, context);
  if (section === 'services' && key === 'deploy' && inner === 'replicas') {
    const scale = ['services', name ?? '', 'scale'];
    return { rule: 'implied', note: 'by "scale"', origin: locate(context.root, scale) };
  }
  if (section === 'services' && key === 'pre_start' && path.at(-1) === 'image') {
    return { rule: 'implied', note: 'by the image of the service', origin: written(context.root, name, 'image') };
  }
  for (const [matches, rule, note] of reasons) if (matches.test(pattern)) return { rule, note };
  return { rule: 'default', note: '' };
}

function written(root: SpecNode, service: string | undefined, key: string): Origin | undefined {
  return nodeAt(root, ['services', service ?? '', key]);
}

/** A dependency that another key makes; undefined when `depends_on` says it and leaves only parts open. */
function dependencyOf(path: Path, model: Dict, context: Context): Implied | undefined {
  const [, name = '', , other = ''] = path.map(String);
  const services = model['services'];
  const service = isDict(services) ? services[name] : undefined;
  if (!isDict(service)) return undefined;
  const { place, key } = dependencyPlace(service, at(at(rootPlace(context), 'services'), name), other);
  if (key) return undefined;
  return { rule: 'implied', note: `by "${pathOf(place)[2]}"`, origin: locate(context.root, pathOf(place)) };
}

/** The name of a network, volume, secret or config. */
function nameOf([section = '', key = '']: Path, model: Dict, { root }: Context): Implied {
  const entry = entryOf(nodeAt(root, [section, key]), 'external');
  const old = entryOf(entry?.node, 'name')?.node;
  if (old !== undefined) return { rule: 'implied', note: 'by the name of "external"', origin: old };
  if (entry !== undefined && String(locatedValue(entry.node)) === 'true') {
    return { rule: 'default', note: 'its key, since it is external', origin: entry.node };
  }
  return { rule: 'default', note: `the name of the stack, "${String(model['name'])}", and its key` };
}

function locatedValue(node: SpecNode): unknown {
  return node.kind === 'scalar' ? node.value : undefined;
}
