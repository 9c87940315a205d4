import { imageName } from '../../image/image.ts';
import { TsstackError } from '../../model/error.ts';
import type { Service, Stack } from '../../model/stack.ts';
import { type HasImages, isStored } from '../stored.ts';
import { serviceOf, type WantedBuild, wantedBuilds } from './wanted-builds.ts';

/** What a command says of building: `missing` is each service's own way. */
export type BuildWish = 'always' | 'missing' | 'never';

export interface BuildChoice {
  readonly wish: BuildWish;
  /** Built in any case, unless nothing is. Absent: none. */
  readonly rebuild?: readonly string[];
  /** No other services, unless a build takes their image. Absent: all. */
  readonly only?: readonly string[];
}

/**
 * The images of a stack that are built before it can be planned, each once, with those whose image they take and that are
 * to be built, too. Without an image in the store, or with `pull_policy: build`, a service is built unless the wish is
 * `never`. Throws `conflict` for a build that takes the image of a service that has none.
 */
export function imagesToBuild(engine: HasImages, stack: Stack, choice: BuildChoice): readonly WantedBuild[] {
  if (choice.wish === 'never') return [];
  const due = Object.values(stack.services).filter((service) => isDue(engine, service, choice));
  return wantedBuilds(stack, due, ({ source }) => {
    return choice.wish === 'always' || source.type !== 'reference' || !isStored(engine, source);
  });
}

/** Whether a service has an image that is built whatever is there. */
export function isBuiltAnyway(service: Service, { wish, rebuild = [] }: BuildChoice): boolean {
  if (wish === 'never' || service.build === undefined || service.source.type !== 'reference') return false;
  return wish === 'always' || service.pullPolicy === 'build' || rebuild.includes(serviceOf(service));
}

function isDue(engine: HasImages, service: Service, choice: BuildChoice): boolean {
  const { name, build, source, replicas } = service;
  if (build === undefined || source.type !== 'reference' || replicas === 0) return false;
  if (choice.only?.includes(name) === false) return false;
  return isBuiltAnyway(service, choice) || !isStored(engine, source);
}

/** Throws `image-missing` where `never` leaves a service without an image that it could have. */
export function checkNotBuilt(engine: HasImages, stack: Stack, { wish, only }: BuildChoice): void {
  if (wish !== 'never') return;
  const lacking = Object.values(stack.services).find((service) =>
    isDue(engine, service, { wish, ...(only && { only }) }),
  );
  if (lacking === undefined) return;
  const name = serviceOf(lacking);
  throw new TsstackError(
    'image-missing',
    `image "${imageName(lacking.source)}" of "${name}" is not there, and not built`,
    {
      hint: `Leave --no-build out, or run: tsstack build ${name}`,
    },
  );
}
