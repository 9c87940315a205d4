import type { DiskUse, PruneImagesRequest, RemovedImages } from '../../daemon/image-api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { table } from '../../lib/table.ts';
import { TsstackError } from '../../model/error.ts';
import { askYes } from '../ask-yes.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { printRemoved } from '../image/verbs.ts';
import { isGone, remover, unusedNetworks } from '../network/remove.ts';
import { flag } from '../options.ts';
import { runVerb, type Verbs } from '../verbs.ts';

interface SystemOptions {
  readonly all: boolean;
  readonly force: boolean;
}

const VERBS: Verbs<SystemOptions> = {
  df: { options: [], run: showUse },
  prune: { options: ['all', 'force'], run: prune },
};

const OPTIONS = {
  all: flag('a', 'prune: also images with a name that no container is made from'),
  force: flag('f', 'prune: do not ask'),
};

/** `tsstack system`. */
export const command = defineCommand({
  name: 'system',
  summary: 'Show what lies on the disk, and remove what nothing needs',
  operands: Object.keys(VERBS).join('|'),
  options: OPTIONS,
  formats: ['table', 'json'],
  examples: [
    {
      command: 'tsstack system df',
      does: 'images, unpacked layers, what builds keep, containers, volumes, and what could be freed',
    },
    {
      command: 'tsstack system prune',
      does: 'networks without containers, images without a name and layers that no container has, after a question',
    },
  ],
  run: (context, { options, operands }) =>
    runVerb(context, VERBS, { name: 'system', known: Object.keys(OPTIONS), operands, options }),
});

async function showUse(context: Context, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new TsstackError('usage', `system df takes no names, got "${operands.join(' ')}"`);
  const uses = await context.client.get<readonly DiskUse[]>('/v1/usage');
  const rows = uses.map(({ kind, count, active, sizeBytes, reclaimableBytes }) => [
    kind,
    String(count),
    String(active),
    formatBytes(sizeBytes),
    formatBytes(reclaimableBytes),
  ]);
  if (context.format === 'json') context.out.write(`${JSON.stringify(uses, undefined, 2)}\n`);
  else context.out.write(table(['TYPE', 'COUNT', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], rows));
  return EXIT.done;
}

/** Volumes and containers are no business of it: they hold data. */
async function prune(context: Context, operands: readonly string[], { all, force }: SystemOptions): Promise<number> {
  if (operands.length > 0) throw new TsstackError('usage', `system prune takes no names, got "${operands.join(' ')}"`);
  const images = all ? 'all images that no container is made from' : 'images without a name';
  const what = `This removes networks that no container is on, ${images}, unpacked layers that no container has, what builds keep to be quicker the next time, and what broken transfers have left`;
  if (!force && !(await askYes(context, what))) return EXIT.failed;
  const request: PruneImagesRequest = { all, layers: true };
  const networks = await removeNetworks(context);
  const removed = await context.client.post<RemovedImages>('/v1/store/prune', request);
  if (context.format === 'json') {
    context.out.write(`${JSON.stringify({ ...removed, networks }, undefined, 2)}\n`);
    return EXIT.done;
  }
  context.out.write(networks.map((name) => `Removed network: ${name}\n`).join(''));
  printRemoved(context, removed);
  return EXIT.done;
}

/** Gives the names of those that are gone. */
async function removeNetworks(context: Context): Promise<readonly string[]> {
  const names: string[] = [];
  const remove = remover(context);
  for (const { name } of await unusedNetworks(context)) {
    try {
      await remove(name);
      names.push(name);
    } catch (error) {
      if (!(error instanceof TsstackError && isGone(error))) throw error;
    }
  }
  return names;
}
