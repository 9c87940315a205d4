import type { Build, BuildChanges } from '../../model/build.ts';
import { TsstackError } from '../../model/error.ts';
import type { BuildSource, Service, Stack } from '../../model/stack.ts';

/** An image that is to be built. */
export interface WantedBuild {
  readonly service: string;
  readonly build: Build;
  /** Names that the image gets, as written: `image` or PROJECT-SERVICE first, then `build.tags`. */
  readonly names: readonly string[];
  /** Of the service; `build.platforms` wins. */
  readonly platform?: string;
}

/**
 * The builds of these services, and those of services whose image they take, where `isWanted` says so; by name. Throws
 * `conflict` for one that takes the image of a service that has none.
 */
export function wantedBuilds(
  stack: Stack,
  services: readonly BuildSource[],
  isWanted: (source: BuildSource) => boolean,
): readonly WantedBuild[] {
  const wanted = new Map<string, WantedBuild>();
  const open = [...services];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const name = serviceOf(next);
    if (next.build === undefined || wanted.has(name)) continue;
    const { build, sources } = withImages(stack, next, next.build);
    wanted.set(name, wantedBuild(stack, next, build));
    open.push(...sources.filter(isWanted));
  }
  return [...wanted.values()].sort((left, right) => (left.service < right.service ? -1 : 1));
}

/** `service:x` stays where x has a build; else it is the image that x names. */
function withImages(
  stack: Stack,
  { name }: BuildSource,
  build: Build,
): { readonly build: Build; readonly sources: readonly BuildSource[] } {
  const sources: BuildSource[] = [];
  const contexts = Object.entries(build.contexts).map(([key, context]) => {
    if (context.type !== 'service') return [key, context] as const;
    const other = stack.services[context.service] ?? stack.buildSources?.[context.service];
    if (other?.build !== undefined) {
      sources.push(other);
      return [key, context] as const;
    }
    if (other?.source.type === 'reference') return [key, { type: 'image', reference: other.source.reference }] as const;
    throw new TsstackError(
      'conflict',
      `The build of "${name}" takes the image of "${context.service}", which has none`,
      {
        hint: `Give "${context.service}" a build or an image (${build.place})`,
      },
    );
  });
  return { build: { ...build, contexts: Object.fromEntries(contexts) }, sources };
}

function wantedBuild(stack: Stack, service: BuildSource, build: Build): WantedBuild {
  const { source } = service;
  const name = serviceOf(service);
  const first = source.type === 'reference' ? source.reference : `${stack.name}-${name}`;
  const platform = source.type === 'reference' ? source.platform : undefined;
  return {
    service: name,
    build,
    names: [...new Set([first, ...build.tags])],
    ...(platform !== undefined && { platform }),
  };
}

/** A build as a command asks for it. */
export function withChanges(build: Build, { args, target, ssh, noCache, pull }: BuildChanges): Build {
  return {
    ...build,
    args: { ...build.args, ...args },
    ssh: { ...build.ssh, ...ssh },
    noCache: build.noCache || noCache,
    pull: build.pull || pull,
    ...(target !== undefined && { target }),
  };
}

/** Of a one-off the service that it was made of. */
export function serviceOf(service: BuildSource & Partial<Pick<Service, 'oneOff'>>): string {
  return service.oneOff?.service ?? service.name;
}

/** What `tsstack build` is about. */
export interface NamedBuilds {
  /** Empty: all. */
  readonly services: readonly string[];
  /** Also what the named ones depend on. */
  readonly withDependencies: boolean;
}

/** The builds of services that are named, with those whose image they take. Throws `conflict`. */
export function namedBuilds(stack: Stack, { services, withDependencies }: NamedBuilds): readonly WantedBuild[] {
  const named = Object.values(stack.services).filter(
    ({ name }) => services.length === 0 || withDependencies || services.includes(name),
  );
  return wantedBuilds(stack, named, () => true);
}

/** The names under which a build can be pushed: not that of stack and service, which says no registry. */
export function namesToPush(stack: Stack, { service, names }: WantedBuild): readonly string[] {
  return names.filter((name) => name !== `${stack.name}-${service}`);
}
