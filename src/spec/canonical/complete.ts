import { type Dict, dict, isDict, type Value } from '../node.ts';
import { at, type Place, pathOf, scopeAt } from './context.ts';

/** What follows from other keys: the default network, and the dependencies that sharing another service implies. */
export function completeService(service: Dict, place: Place): Dict {
  if (service['network_mode'] === undefined && service['provider'] === undefined) {
    service['networks'] ??= Object.assign(dict(), { default: null });
  }
  const dependsOn = isDict(service['depends_on']) ? service['depends_on'] : dict();
  const depend = (name: string, restart: boolean) => {
    if (Object.hasOwn(dependsOn, name)) return;
    dependsOn[name] = Object.assign(dict(), {
      condition: 'service_started',
      ...(restart && { restart }),
      required: true,
    });
  };
  for (const link of strings(service['links'])) depend(link.split(':')[0] ?? '', true);
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const mode = service[key];
    if (typeof mode === 'string' && mode.startsWith('service:')) depend(mode.slice('service:'.length), true);
  }
  for (const from of strings(service['volumes_from'])) {
    if (!from.startsWith('container:')) depend(from.split(':')[0] ?? '', false);
  }
  if (Object.keys(dependsOn).length > 0) service['depends_on'] = dependsOn;
  fillVariables(service['environment'], at(place, 'environment'));
  if (isDict(service['build'])) {
    fillVariables(service['build']['args'], at(at(place, 'build'), 'args'));
    dropMissing(service['build']['args']);
  }
  const scale = service['scale'];
  if (scale !== undefined && isDict(service['deploy'])) service['deploy']['replicas'] ??= scale;
  for (const hook of [service['pre_start']].flat()) {
    if (isDict(hook) && service['image'] !== undefined) hook['image'] ??= service['image'];
  }
  return service;
}

function strings(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A bare name takes the caller's value; without one it stays null. */
function fillVariables(variables: Value | undefined, place: Place): void {
  if (!isDict(variables)) return;
  for (const [name, value] of Object.entries(variables)) {
    if (value !== null) continue;
    const { lookup } = scopeAt(place.context, () => [...pathOf(place), name]);
    variables[name] = lookup(name) ?? null;
  }
}

function dropMissing(variables: Value | undefined): void {
  if (!isDict(variables)) return;
  for (const [name, value] of Object.entries(variables)) if (value === null) delete variables[name];
}
