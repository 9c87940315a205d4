import type { BuildSource, Network, Service, Stack, Volume } from '../../model/stack.ts';
import { type Dict, isDict, type Path } from '../node.ts';
import type { PathBase } from '../paths.ts';
import { type BuildInput, buildSource } from './build.ts';
import { fileSources, type Places } from './files.ts';
import { network, volume } from './network.ts';
import { defined, dictAt, textAt } from './read.ts';
import { normalizeService } from './service.ts';
import { shareWithinStack } from './sharing.ts';

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
  /** Canonical services, also those that are not enabled. */
  readonly all: Dict;
}

/** The canonical model as the engine takes it; `written` is the merged file, for its `x-` keys. */
export function normalizeStack(model: Dict, written: Dict, input: StackInput): Stack {
  const name = textAt(model, 'name') ?? '';
  const canonical = dictAt(model, 'services') ?? {};
  const enabled = new Set(Object.keys(canonical));
  const buildInput = (key: string, service: Dict): BuildInput => ({
    project: name,
    name: key,
    service,
    written: dictAt(dictAt(written, 'services'), key) ?? {},
    base: (each) => input.base(['services', key, each]),
    where: (each) => input.where(['services', key, each]),
    lookup: (each, variable) => input.lookup(['services', key, each], variable),
  });
  const services: Record<string, Service> = Object.create(null);
  for (const key of [...enabled].sort()) {
    const service = canonical[key];
    if (!isDict(service)) continue;
    services[key] = normalizeService({
      ...buildInput(key, service),
      enabled,
      origins: input.origins(key),
    });
  }
  shareWithinStack(name, services);
  const buildSources = sourcesOfBuilds(services, (key) => {
    const service = input.all[key];
    return isDict(service) ? buildSource(buildInput(key, service)) : undefined;
  });
  const builds = [...Object.values(services), ...Object.values(buildSources ?? {})].flatMap(({ build }) => build ?? []);
  const uses = { services, builds, places: input };
  return defined({
    name,
    projectDirectory: input.projectDirectory,
    files: input.files,
    services,
    networks: usedNetworks(model, services, { name, all: input.allResources }),
    volumes: usedVolumes(model, services, input.allResources),
    configs: fileSources('configs', model, uses),
    secrets: fileSources('secrets', model, uses),
    buildSources,
    disabledServices: input.disabledServices,
    unnamedServices: input.unnamedServices.length === 0 ? undefined : input.unnamedServices,
  });
}

/** Services that are not among them and whose image a build takes, be it for another of these; undefined: none. */
function sourcesOfBuilds(
  services: Readonly<Record<string, Service>>,
  sourceOf: (service: string) => BuildSource | undefined,
): Record<string, BuildSource> | undefined {
  const result: Record<string, BuildSource> = Object.create(null);
  const open: BuildSource[] = Object.values(services);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const context of Object.values(next.build?.contexts ?? {})) {
      if (context.type !== 'service' || Object.hasOwn(services, context.service)) continue;
      if (Object.hasOwn(result, context.service)) continue;
      const source = sourceOf(context.service);
      if (source === undefined) continue;
      result[context.service] = source;
      open.push(source);
    }
  }
  return Object.keys(result).length === 0 ? undefined : result;
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
