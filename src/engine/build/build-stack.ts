import { TsstackError } from '../../model/error.ts';
import type { Stack } from '../../model/stack.ts';
import type { Engine } from '../engine.ts';
import { type PushedImage, pushImages } from '../push.ts';
import type { Reporting } from '../reporting.ts';
import { type BuildOptions, type BuiltImage, buildImages } from './build-images.ts';
import { type NamedBuilds, namedBuilds, namesToPush } from './wanted-builds.ts';

export interface BuildStackOptions extends NamedBuilds, BuildOptions {
  /** Send what was built for the named services to the registries of its names. */
  readonly push: boolean;
}

export interface BuiltStack {
  readonly built: readonly BuiltImage[];
  readonly pushed: readonly PushedImage[];
}

/** Builds images of a stack, whatever is there. Throws the first failure when all have ended. */
export async function buildStack(
  engine: Engine,
  stack: Stack,
  { services, withDependencies, push, ...options }: BuildStackOptions,
  reporting: Reporting,
): Promise<BuiltStack> {
  const { progress } = reporting;
  const wanted = namedBuilds(stack, { services, withDependencies });
  if (wanted.length === 0) progress({ type: 'warning', message: 'No service to build: none of them has a build' });
  if (options.target !== undefined && wanted.length > 1) {
    throw new TsstackError('usage', '--target is for the build of one service, and there are several', {
      hint: `Name one of ${wanted.map(({ service }) => service).join(', ')}`,
    });
  }
  const names = push ? wanted.flatMap((each) => namesToPush(stack, each)) : [];
  if (reporting.dryRun === true) {
    for (const { service, names: given } of wanted) {
      progress({ type: 'note', message: `${service} would be built as ${given.join(', ')}` });
    }
    for (const name of names) progress({ type: 'note', message: `${name} would be pushed` });
    return { built: [], pushed: [] };
  }
  if (wanted.length === 0) return { built: [], pushed: [] };
  const built = await buildImages(engine, { stack, builds: wanted }, options, reporting);
  if (push && names.length === 0) {
    progress({ type: 'warning', message: 'Nothing to push: give the services an image, or build.tags' });
  }
  const pushed = names.length === 0 ? [] : await pushImages(engine, names, { env: options.env, reporting });
  return { built, pushed };
}
