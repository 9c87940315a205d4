import { at, type Context, complain, nameOf, type Place, rootPlace } from '../canonical/context.ts';
import { type Dict, isDict, type Value } from '../node.ts';
import { type UnsupportedKey, wordsOf } from './unsupported-key.ts';
import { unsupportedKeys } from './unsupported-keys.ts';

/** The table as a tree along the keys, so that the cost is that of what is written. */
interface Branch {
  /** The first that applies counts. */
  readonly rules: UnsupportedKey[];
  readonly below: Map<string, Branch>;
}

let known: Branch | undefined;

/** Names, at its place, every valid key that the engine does not act on: nothing is dropped in silence. */
export function warnUnsupported(written: Dict, enabled: Dict, context: Context): void {
  known ??= branches(unsupportedKeys);
  const root = rootPlace(context);
  const service = known.below.get('services')?.below.get('*');
  for (const [name, canonical] of Object.entries(enabled)) {
    if (!isDict(canonical) || service === undefined) continue;
    walk(withRootfs(canonical, written, name), service, at(at(root, 'services'), name));
  }
  for (const section of ['networks', 'volumes', 'configs', 'secrets']) {
    const branch = known.below.get(section);
    if (branch !== undefined) walk(written[section] ?? null, branch, at(root, section));
  }
  if (written['version'] === undefined) return;
  const place = at(root, 'version');
  const message = 'version: the key is obsolete: take it out';
  complain(place, { severity: 'warning', code: 'deprecated.key', message, key: true });
}

function branches(keys: readonly UnsupportedKey[]): Branch {
  const root: Branch = { rules: [], below: new Map() };
  for (const key of keys) {
    let branch = root;
    for (const step of key.path.split('.')) {
      const next = branch.below.get(step) ?? { rules: [], below: new Map() };
      branch.below.set(step, next);
      branch = next;
    }
    branch.rules.push(key);
  }
  return root;
}

/** The canonical form has no `x-` keys. */
function withRootfs(canonical: Dict, written: Dict, name: string): Dict {
  const services = written['services'];
  const own = isDict(services) ? services[name] : undefined;
  if (!isDict(own) || own['x-rootfs'] === undefined) return canonical;
  return Object.assign(Object.create(null) as Dict, canonical, { 'x-rootfs': own['x-rootfs'] });
}

function walk(value: Value, branch: Branch, place: Place): void {
  if (isDict(value)) {
    for (const key of Object.keys(value)) {
      const next = branch.below.get(key) ?? branch.below.get('*');
      if (next !== undefined) visit(value[key] ?? null, next, at(place, key), value);
    }
  } else if (Array.isArray(value)) {
    const next = branch.below.get('*');
    if (next === undefined) return;
    for (const [index, item] of value.entries()) {
      const written = isDict(item) ? place.context.places.get(item) : undefined;
      visit(item, next, written ?? at(place, index), {});
    }
  }
}

function visit(value: Value, branch: Branch, place: Place, parent: Dict): void {
  const rule = branch.rules.find(({ when = saysSomething }) => when(value, parent, String(place.step)));
  if (rule === undefined) {
    if (branch.below.size > 0) walk(value, branch, place);
    return;
  }
  const message = `${nameOf(place)}${wordsOf(rule, value, parent)}`;
  const code = rule.refused === true ? 'refused.key' : 'unsupported.key';
  complain(place, { severity: 'warning', code, message, hint: rule.hint, key: true });
}

/** Not what is the same as saying nothing. */
function saysSomething(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isDict(value)) return Object.keys(value).length > 0;
  return value !== null && value !== false && value !== '';
}
