import { at, type Context, complain, nameOf, rootPlace } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import type { CheckInput } from './input.ts';
import { checkName } from './values.ts';

const sources = { secrets: ['file', 'environment'], configs: ['file', 'environment', 'content'] } as const;

/** Top-level resources: names, one source each, nothing beside `external`. */
export function checkResources(input: CheckInput, context: Context): void {
  for (const section of ['networks', 'volumes', 'secrets', 'configs'] as const) {
    const resources = input.model[section];
    for (const [name, resource] of Object.entries(isDict(resources) ? resources : {})) {
      const place = at(at(rootPlace(context), section), name);
      checkName(name, place);
      if (!isDict(resource)) continue;
      const { name: real } = resource;
      if (typeof real === 'string' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(real)) {
        complain(at(place, 'name'), {
          code: 'schema.pattern',
          message: `${nameOf(place)}: "${real}" is not a valid name`,
        });
      }
      if (section === 'volumes' && resource['external'] === true) {
        const other = Object.keys(resource).find((key) => !['name', 'external'].includes(key));
        if (other === undefined) continue;
        const message = `${nameOf(place)} is external, so "${other}" has no effect`;
        complain(at(place, other), { code: 'conflict.key', message, key: true });
      }
      if (section === 'secrets' || section === 'configs') checkSource(section, resource, place);
    }
  }
}

function checkSource(section: keyof typeof sources, resource: object, place: Parameters<typeof complain>[0]): void {
  const known: readonly string[] = sources[section];
  const given = Object.keys(resource).filter((key) => known.includes(key));
  const external = Object.hasOwn(resource, 'external') || (section === 'configs' && Object.hasOwn(resource, 'driver'));
  const [first, second] = given;
  if (second !== undefined) {
    complain(at(place, second), {
      code: 'conflict.key',
      message: `${nameOf(place)} has both "${first}" and "${second}": keep one`,
      key: true,
    });
  }
  if (given.length === 0 && !external) {
    const message = `${nameOf(place)} needs one of ${known.join(', ')}`;
    const hint = `write "file: PATH", or "external: true" for one that is there already`;
    complain(place, { code: 'schema.missing', message, hint, key: true });
  }
}
