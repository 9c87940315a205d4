import type { Platform } from '../../image/platform.ts';
import { TsstackError } from '../../model/error.ts';
import { PatternMatcher } from '../context/ignore.ts';
import { DirectoryTree } from '../context/scan.ts';
import type { ReadableTree } from '../context/tree.ts';
import { readIgnorePatterns } from './read-ignore.ts';
import { imageState, type StageState } from './state.ts';
import type { Work } from './work.ts';

/** What one of the additional contexts is: an image, or files. */
export type NamedSource =
  | { readonly type: 'state'; readonly state: StageState }
  | { readonly type: 'tree'; readonly tree: ReadableTree };

export async function namedSource(work: Work, name: string, platform: Platform): Promise<NamedSource> {
  const { machine, build } = work;
  const named = build.contexts[name];
  const ofImage = (image: Parameters<typeof imageState>[0]): NamedSource => ({
    type: 'state',
    state: imageState(image, (digest) => machine.store.document({ digest })),
  });
  switch (named?.type) {
    case 'image':
      return ofImage(await machine.image(named.reference, platform));
    case 'service':
      return ofImage(await machine.serviceImage(named.service, platform));
    case 'oci':
      return ofImage(await machine.layoutImage(named.path, named.tag, platform));
    case 'directory': {
      const ignore = readIgnorePatterns(machine.images.host, [`${named.path}/.dockerignore`]);
      const matcher = ignore === undefined ? {} : { ignore: new PatternMatcher(ignore.patterns, ignore.file) };
      return { type: 'tree', tree: new DirectoryTree(named.path, { ...matcher, asRoot: true }) };
    }
    case 'url':
      return { type: 'tree', tree: await machine.remote.context(named.url) };
    case undefined:
      throw new TsstackError('build-failed', `The build has no context ${JSON.stringify(name)}`);
  }
}
