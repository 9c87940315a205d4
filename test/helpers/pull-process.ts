import { ContentStore } from '../../src/image/content/content-store.ts';
import { parseReference } from '../../src/image/content/reference.ts';
import { pullImage } from '../../src/image/registry/pull.ts';

/** A process that pulls one image, to be killed: `node pull-process.ts STATE REFERENCE`. */
const [, , state = '', reference = ''] = process.argv;
await pullImage(new ContentStore({ state, run: `${state}/run` }), parseReference(reference), {
  env: {},
  signal: new AbortController().signal,
});
