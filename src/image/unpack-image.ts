import { existsSync, mkdirSync } from 'node:fs';
import { TsstackError } from '../model/error.ts';
import type { ImageContext } from './context.ts';
import { chainIds } from './digest.ts';
import { inContext } from './errors.ts';
import { Budget } from './layer/budget.ts';
import { TarThread } from './layer/tar-thread.ts';
import { unpackLayer } from './layer/unpack.ts';
import { machineLimits } from './limits-file.ts';
import type { LayerBlob, OpenedImage } from './opened-image.ts';
import { publish, withStaging } from './staging.ts';
import { layerDirectory } from './store-layout.ts';
import { unpackedLayers, writeUnpacked } from './unpacked.ts';

let queue: Promise<unknown> = Promise.resolve();

/**
 * Puts every layer that is missing into the store. One image at a time: two at once would share the one thread that
 * does the work, and unpack layers that they have in common twice.
 */
export function unpackOpened(context: ImageContext, image: OpenedImage, signal: AbortSignal): Promise<void> {
  const turn = queue.then(() => unpackNow(context, image, signal));
  queue = turn.catch(() => undefined);
  return turn;
}

async function unpackNow(context: ImageContext, image: OpenedImage, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
  if (unpackedLayers(context.paths, image.id) !== undefined) return;
  const chain = chainIds(image.layers.map(identity));
  const thread = new TarThread();
  try {
    await withStaging(context.paths, (staging) => unpackMissing(context, { image, chain, staging, thread, signal }));
  } finally {
    await thread.close();
  }
  await writeUnpacked(context, image, chain);
}

interface Job {
  readonly image: OpenedImage;
  readonly chain: readonly string[];
  readonly staging: string;
  readonly thread: TarThread;
  readonly signal: AbortSignal;
}

async function unpackMissing(context: ImageContext, job: Job): Promise<void> {
  const budget = new Budget(context.limits ?? machineLimits());
  const lowers: string[] = [];
  const moves: { from: string; to: string }[] = [];
  for (const [position, blob] of job.image.layers.entries()) {
    const to = layerDirectory(context.paths, job.chain[position] ?? '');
    if (existsSync(to)) {
      lowers.unshift(to);
      continue;
    }
    const staging = `${job.staging}/${position}`;
    const root = `${staging}/root`;
    mkdirSync(root, { recursive: true, mode: 0o755 });
    await inContext(
      () => `layer ${identity(blob)}`,
      () => {
        const tar = job.thread.tar(blob, budget, job.signal);
        return unpackLayer(tar, { host: context.host, root, lowers, staging, budget });
      },
    );
    lowers.unshift(root);
    moves.push({ from: root, to });
  }
  await publish(context.host, moves);
}

/** What the layer's chain id is made of. */
function identity(blob: LayerBlob): string {
  const digest = blob.diffId ?? blob.digest;
  if (digest === undefined) throw new Error('a layer without a digest');
  return digest;
}
