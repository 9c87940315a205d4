import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TsstackError } from '../../model/error.ts';
import { planCopy } from '../context/copy.ts';
import { PatternMatcher } from '../context/ignore.ts';
import { EMPTY_TREE, type ReadableTree } from '../context/tree.ts';
import { copiedEntries } from './copied-entries.ts';
import { layerTar } from './write-layer.ts';

/** Writes all of a tree as a tar archive, plain, into a file or FIFO. Throws `cancelled`, `build-failed`. */
export async function writeTree(tree: ReadableTree, path: string, signal: AbortSignal): Promise<void> {
  const plan = await planCopy({
    tree,
    sources: ['/'],
    destination: '/',
    image: EMPTY_TREE,
    excludes: new PatternMatcher([], 'export'),
    parents: false,
    others: 0,
  });
  const copied = plan.copied();
  const paths = copied.flatMap((each) => (each.type === 'entry' ? [each.entry.path] : []));
  const xattrs = await tree.xattrs?.(paths, signal);
  const entries = copiedEntries(copied, tree, { nowNs: 0n, ...(xattrs !== undefined && { xattrs }) });
  try {
    await pipeline(
      Readable.from(layerTar(entries, {}), { objectMode: false }),
      createWriteStream(path, { mode: 0o600 }),
      {
        signal,
      },
    );
  } catch (error) {
    if (signal.aborted) throw new TsstackError('cancelled', 'writing was cancelled', { cause: error });
    throw error;
  }
}
