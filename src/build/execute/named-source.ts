import type { Platform } from '../../image/platform.ts';
import { TsstackError } from '../../model/error.ts';
import type { ReadableTree } from '../context/tree.ts';
import { openContext, openRemote } from './open-context.ts';
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
    case 'directory':
      return { type: 'tree', tree: openContext(machine.images.host, named.path) };
    case 'url':
      return { type: 'tree', tree: await openRemote(machine, named.url) };
    case undefined:
      throw new TsstackError('build-failed', `The build has no context ${JSON.stringify(name)}`);
  }
}
