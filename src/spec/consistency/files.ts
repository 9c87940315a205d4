import { at, type Context, complain, nameOf, rootPlace } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import { quoted } from '../printable.ts';
import { pathKind } from '../read.ts';
import { type CheckInput, checkServices, dictsOf, partPlace, placeOf, type ServiceAt } from './input.ts';

/**
 * Files of the secrets and configs that services use. A missing one is a warning, as with Compose: it is needed when
 * the stack is brought up, and may be made until then.
 */
export function checkFiles(input: CheckInput, context: Context): void {
  checkServices(input, [{ keys: ['configs', 'secrets'], check: checkOwners }]);
  for (const section of ['secrets', 'configs'] as const) {
    const resources = input.model[section];
    if (!isDict(resources)) continue;
    for (const name of usedNames(input, section)) {
      const resource = resources[name];
      const file = isDict(resource) && resource['external'] !== true ? resource['file'] : undefined;
      if (typeof file !== 'string') continue;
      // For who watches what the stack is made of.
      context.diagnostics.files.add(file);
      if (pathKind(file) !== 'missing') continue;
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

/** Owners and modes of configs and secrets in a service. */
function checkOwners({ service, place }: ServiceAt): void {
  for (const section of ['configs', 'secrets'] as const) {
    for (const item of dictsOf(service[section])) {
      const itemPlace = placeOf(item, at(place, section));
      for (const key of ['uid', 'gid']) {
        const id = item[key];
        if (id === undefined || id === null || (/^\d{1,10}$/.test(String(id)) && Number(id) <= highestId)) continue;
        complain(partPlace(itemPlace, key), {
          message: `${quoted(String(id))} is no ${key} of a file`,
          hint: 'write a number, such as "1000": names are not looked up',
        });
      }
      const { mode } = item;
      if (mode === undefined || mode === null || /^[0-7]{1,5}$/.test(String(mode))) continue;
      complain(partPlace(itemPlace, 'mode'), {
        message: `${quoted(String(mode))} is no mode of a file`,
        hint: 'write octal digits, such as 0440',
      });
    }
  }
}

/** The last id but for (uid_t) -1, which chown(2) takes for "no change". */
const highestId = 2 ** 32 - 2;

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
