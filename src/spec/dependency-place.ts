import { at, type Place, pathOf } from './canonical/context.ts';
import { type Dict, nodeAt } from './node.ts';

/** A service that another one needs, and where that is written. */
export interface ImpliedDependency {
  readonly name: string;
  readonly place: Place;
}

const modes = ['network_mode', 'ipc', 'pid', 'uts', 'cgroup'] as const;
const lists = ['links', 'volumes_from'] as const;
/** The keys by which a service needs another one without saying so in `depends_on`. */
export const implyingKeys: readonly string[] = [...modes, ...lists];

/** What a service needs without saying so in `depends_on`: the services whose namespaces, names or volumes it shares. */
export function impliedDependencies(service: Dict, place: Place): readonly ImpliedDependency[] {
  const found: ImpliedDependency[] = [];
  for (const key of modes) {
    const mode = service[key];
    if (typeof mode !== 'string' || !mode.startsWith('service:')) continue;
    found.push({ name: mode.slice('service:'.length), place: at(place, key) });
  }
  for (const key of lists) {
    for (const [index, spec] of ([service[key]].flat() as unknown[]).entries()) {
      const [name = ''] = typeof spec === 'string' ? spec.split(':') : [];
      if (name === '' || (key === 'volumes_from' && name === 'container')) continue;
      found.push({ name, place: at(at(place, key), index) });
    }
  }
  return found;
}

/** Where a service says that it needs another: in `depends_on`, else by the key that implies it. */
export function dependencyPlace(service: Dict, place: Place, other: string): { place: Place; key: boolean } {
  const written = at(at(place, 'depends_on'), other);
  const implied = impliedDependencies(service, place).find(({ name }) => name === other);
  if (implied === undefined || nodeAt(place.context.root, pathOf(written)) !== undefined) {
    return { place: written, key: true };
  }
  return { place: implied.place, key: false };
}
