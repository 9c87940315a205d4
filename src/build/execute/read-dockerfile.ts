import type { Build } from '../../model/build.ts';
import { TsstackError } from '../../model/error.ts';
import type { ReadableTree } from '../context/tree.ts';
import { textIn } from './open-context.ts';
import type { Machine } from './work.ts';

/** The text of a Dockerfile, and what messages call it. Throws `build-failed`. */
export async function readDockerfile(
  { images }: Pick<Machine, 'images'>,
  build: Pick<Build, 'context' | 'dockerfile' | 'dockerfileInline' | 'place'>,
  context: ReadableTree,
): Promise<{ readonly text: string; readonly file: string }> {
  if (build.dockerfileInline !== undefined) return { text: build.dockerfileInline, file: 'dockerfile_inline' };
  if (!build.context.startsWith('/')) return ofRemote(context, build.dockerfile ?? 'Dockerfile');
  const file = build.dockerfile ?? `${build.context}/Dockerfile`;
  // Not one that never ends.
  const text = images.host.stat(file)?.type === 'char' ? undefined : images.host.readText(file);
  if (text !== undefined) return { text, file };
  throw missing(file, build.place);
}

async function ofRemote(tree: ReadableTree, file: string): Promise<{ text: string; file: string }> {
  const text = await textIn(tree, file);
  if (text === undefined) throw missing(file, undefined);
  return { text, file };
}

function missing(file: string, place: string | undefined): TsstackError {
  const where = place === undefined ? '' : ` (build: ${place})`;
  return new TsstackError('build-failed', `There is no Dockerfile ${JSON.stringify(file)} to build from${where}`, {
    hint: 'Name it with build.dockerfile, relative to build.context',
  });
}
