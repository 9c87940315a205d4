import type { Stack } from '../../model/stack.ts';
import type { Engine } from '../engine.ts';
import { imagesToPull, type Pullable, type PullWish, pullImages, type WantedImage } from '../pull.ts';
import type { Reporting } from '../reporting.ts';
import { type BuildOptions, buildImages } from './build-images.ts';
import { type BuildChoice, checkNotBuilt, imagesToBuild } from './images-to-build.ts';
import type { WantedBuild } from './wanted-builds.ts';

export interface ImageWishes {
  /** Absent: each service's own policy. */
  readonly pull?: PullWish;
  readonly build: BuildChoice;
}

/** What a plan is made without. */
export interface DueImages {
  readonly pulls: readonly WantedImage[];
  readonly builds: readonly WantedBuild[];
}

/** What would be pulled and built for a stack; what is built only when it cannot be pulled counts as pulled. */
export function dueImages(engine: Pullable, stack: Stack, wishes: ImageWishes): DueImages {
  const pulls = imagesToPull(engine, stack, wishes);
  const pulled = new Set(pulls.map(({ reference }) => reference));
  const builds = imagesToBuild(engine, stack, wishes.build).filter(({ names: [name = ''] }) => !pulled.has(name));
  return { pulls, builds };
}

/**
 * Pulls and then builds what a stack lacks, or is wanted anew. An image that can be pulled and built is built when the pull
 * fails. Throws what either throws, and `image-missing` for what is to be had by a build that is not wanted.
 */
export async function provideImages(
  engine: Engine,
  stack: Stack,
  { env, ...wishes }: ImageWishes & Pick<BuildOptions, 'env'>,
  reporting: Reporting,
): Promise<void> {
  const pulls = imagesToPull(engine, stack, wishes);
  if (pulls.length > 0) await pullImages(engine, pulls, { env, reporting, thenBuilt: true });
  checkNotBuilt(engine, stack, wishes.build);
  const builds = imagesToBuild(engine, stack, wishes.build);
  if (builds.length > 0) await buildImages(engine, { stack, builds }, { ...AS_WRITTEN, env }, reporting);
}

/** Each build as the stack file says it. */
const AS_WRITTEN: Omit<BuildOptions, 'env'> = { noCache: false, pull: false, args: {}, ssh: {}, keepFailed: false };
