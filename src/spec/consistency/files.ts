import { at, type Context, complain, nameOf, rootPlace } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import { pathKind } from '../read.ts';
import { type CheckInput, dictsOf } from './input.ts';

/**
 * Files of the secrets and configs that services use. A missing one is a warning, as with Compose: it is needed when
 * the stack is brought up, and may be made until then.
 */
export function checkFiles(input: CheckInput, context: Context): void {
  for (const section of ['secrets', 'configs'] as const) {
    const resources = input.model[section];
    if (!isDict(resources)) continue;
    for (const name of usedNames(input, section)) {
      const resource = resources[name];
      const file = isDict(resource) && resource['external'] !== true ? resource['file'] : undefined;
      if (typeof file !== 'string' || pathKind(file) !== 'missing') continue;
      const place = at(at(at(rootPlace(context), section), name), 'file');
      complain(place, {
        severity: 'warning',
        code: 'path.missing',
        message: `${nameOf(place)}: ${file} does not exist`,
        hint: 'make it before the stack is brought up',
      });
    }
  }
}

function usedNames(input: CheckInput, section: 'secrets' | 'configs'): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { service } of input.services) {
    for (const item of dictsOf(service[section])) names.add(String(item['source']));
    const build = service['build'];
    if (section === 'secrets' && isDict(build)) {
      for (const item of dictsOf(build['secrets'])) names.add(String(item['source']));
    }
  }
  return names;
}
