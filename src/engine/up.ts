import type { LoadResult } from '../spec/load.ts';
import type { BuildWish } from './build/images-to-build.ts';
import { dueImages, type ImageWishes, provideImages } from './build/provide-images.ts';
import { type ConvergeOptions, converge } from './converge.ts';
import type { Engine } from './engine.ts';
import type { PullWish } from './pull.ts';
import type { Reporting } from './reporting.ts';

export interface UpOptions extends Omit<ConvergeOptions, 'pulls' | 'builds'> {
  /** Absent: each service's own policy. */
  readonly pull?: PullWish;
  /** Absent: `missing`. */
  readonly build?: BuildWish;
  /** Services that are built anew. Absent: none. */
  readonly rebuild?: readonly string[];
}

/** Makes the machine match the file, with the images that it needs. */
export async function up(
  engine: Engine,
  { stack, diagnostics }: Pick<LoadResult, 'stack' | 'diagnostics'>,
  options: UpOptions,
  reporting: Reporting,
): Promise<{ stack: string; services: string[] }> {
  reporting.progress({ type: 'diagnostics', diagnostics });
  const wishes = imageWishes(options);
  if (reporting.dryRun !== true) await provideImages(engine, stack, { ...wishes, env: options.load.env }, reporting);
  const planned = { ...options, ...(reporting.dryRun === true && dueImages(engine, stack, wishes)) };
  return converge(engine, stack, planned, reporting);
}

function imageWishes({ pull, build = 'missing', rebuild, noDeps, load }: UpOptions): ImageWishes {
  const only = noDeps && load.services.length > 0 ? load.services : undefined;
  const choice = { wish: build, ...(rebuild !== undefined && { rebuild }), ...(only !== undefined && { only }) };
  return { build: choice, ...(pull !== undefined && { pull }) };
}
