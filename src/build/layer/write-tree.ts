import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TsstackError } from '../../model/error.ts';
import { planWhole } from '../context/copy.ts';
import type { ReadableTree } from '../context/tree.ts';
import { entriesOf } from './copied-entries.ts';
import { layerTar } from './write-layer.ts';

/** Writes all of a tree as a tar archive, plain, into a file or FIFO. Throws `cancelled`, `build-failed`. */
export async function writeTree(tree: ReadableTree, path: string, signal: AbortSignal): Promise<void> {
  const entries = await entriesOf(tree, await planWhole(tree, ''), { nowNs: 0n, signal });
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
