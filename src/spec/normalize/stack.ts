import type { Network, Service, Stack, Volume } from '../../model/stack.ts';
import { type Dict, isDict, type Path } from '../node.ts';
import type { PathBase } from '../paths.ts';
import { fileSources, type Places } from './files.ts';
import { network, volume } from './network.ts';
import { defined, dictAt, textAt } from './read.ts';
import { normalizeService } from './service.ts';

export interface StackInput extends Places {
  readonly projectDirectory: string;
  /** What paths at a place of the stack file are relative to. */
  readonly base: (path: Path) => PathBase;
  readonly files: readonly string[];
  /** Files that values of a service came from; undefined: none. */
  readonly origins: (service: string) => Readonly<Record<string, string>> | undefined;
  readonly disabledServices: readonly string[];
  readonly unnamedServices: readonly string[];
  /** What no service uses is taken, too. */
  readonly allResources: boolean;
}

/** The canonical model as the engine takes it; `written` is the merged file, for its `x-` keys. */
export function normalizeStack(model: Dict, written: Dict, input: StackInput): Stack {
  const name = textAt(model, 'name') ?? '';
  const canonical = dictAt(model, 'services') ?? {};
  const enabled = new Set(Object.keys(canonical));
  const services: Record<string, Service> = Object.create(null);
  for (const key of [...enabled].sort()) {
    const service = canonical[key];
    if (!isDict(service)) continue;
    const asWritten = dictAt(dictAt(written, 'services'), key) ?? {};
    services[key] = normalizeService({
      name: key,
      service,
      written: asWritten,
      enabled,
      base: (each) => input.base(['services', key, each]),
      origins: input.origins(key),
    });
  }
  const uses = { services, places: input };
  return defined({
    name,
    projectDirectory: input.projectDirectory,
    files: input.files,
    services,
    networks: usedNetworks(model, services, { name, all: input.allResources }),
    volumes: usedVolumes(model, services, input.allResources),
    configs: fileSources('configs', model, uses),
    secrets: fileSources('secrets', model, uses),
    disabledServices: input.disabledServices,
    unnamedServices: input.unnamedServices.length === 0 ? undefined : input.unnamedServices,
  });
}

function usedNetworks(
  model: Dict,
  services: Readonly<Record<string, Service>>,
  { name, all }: { readonly name: string; readonly all: boolean },
): Record<string, Network> {
  const declared = dictAt(model, 'networks') ?? {};
  const used = new Set([
    ...Object.values(services).flatMap((service) => Object.keys(service.networks)),
    ...(all ? Object.keys(declared) : []),
  ]);
  const result: Record<string, Network> = Object.create(null);
  for (const key of [...used].sort()) {
    const from = declared[key];
    result[key] = network(key, isDict(from) ? from : { name: `${name}_${key}` });
  }
  return result;
}

function usedVolumes(model: Dict, services: Readonly<Record<string, Service>>, all: boolean): Record<string, Volume> {
  const declared = dictAt(model, 'volumes') ?? {};
  const mounts = Object.values(services).flatMap((service) => service.mounts);
  const used = new Set([
    ...mounts.flatMap((mount) => (mount.type === 'volume' && mount.source ? [mount.source] : [])),
    ...(all ? Object.keys(declared) : []),
  ]);
  const result: Record<string, Volume> = Object.create(null);
  for (const key of [...used].sort()) {
    const from = declared[key];
    if (isDict(from)) result[key] = volume(key, from);
  }
  return result;
}
