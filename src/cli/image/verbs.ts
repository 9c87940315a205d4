import type {
  InspectImagesRequest,
  PruneImagesRequest,
  RemovedImages,
  RemoveImagesRequest,
  StoredImageDetail,
  StoredImageSummary,
  TagImageRequest,
} from '../../daemon/image-api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { TsstackError } from '../../model/error.ts';
import { askYes } from '../ask-yes.ts';
import { type Context, EXIT } from '../command.ts';
import { withoutAlgorithm } from '../views/images.ts';
import { renderHistory, renderStore } from '../views/store.ts';
import type { ImageOptions } from './options.ts';

/** `image ls [NAME…]`: those of these repositories, or all. */
export async function listImages(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  const all = await context.client.get<readonly StoredImageSummary[]>('/v1/store');
  const images = names.length === 0 ? all : all.filter((image) => image.names.some((each) => isOf(each, names)));
  if (options.quiet) context.out.write(images.map(({ id }) => `${withoutAlgorithm(id)}\n`).join(''));
  else if (context.format === 'json') context.out.write(`${JSON.stringify(images, undefined, 2)}\n`);
  else context.out.write(renderStore(images, { nowMs: Date.now(), whole: options['no-trunc'] }));
  return EXIT.done;
}

function isOf(name: string, wanted: readonly string[]): boolean {
  return wanted.some((each) => name === each || name.startsWith(`${each}:`) || name.startsWith(`${each}@`));
}

/** `image inspect NAME…`: always a JSON list. */
export async function inspectImages(context: Context, names: readonly string[]): Promise<number> {
  context.out.write(`${JSON.stringify(await inspect(context, 'inspect', names), undefined, 2)}\n`);
  return EXIT.done;
}

/** `image history NAME`: the last step first. */
export async function showHistory(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  if (names.length > 1) throw new TsstackError('usage', 'image history needs one image');
  const [image] = await inspect(context, 'history', names);
  const steps = (image?.history ?? []).toReversed();
  if (context.format === 'json') context.out.write(`${JSON.stringify(steps, undefined, 2)}\n`);
  else context.out.write(renderHistory(steps, { nowMs: Date.now(), whole: options['no-trunc'] }));
  return EXIT.done;
}

function inspect(context: Context, verb: string, names: readonly string[]): Promise<readonly StoredImageDetail[]> {
  requireNames(verb, names);
  const request: InspectImagesRequest = { names };
  return context.client.post<readonly StoredImageDetail[]>('/v1/store/inspect', request);
}

/** `image tag SOURCE TARGET`. */
export async function tagImage(context: Context, names: readonly string[]): Promise<number> {
  const [source, target, ...more] = names;
  if (source === undefined || target === undefined || more.length > 0) {
    throw new TsstackError('usage', 'image tag needs an image and its new name', {
      hint: 'Such as: tsstack image tag app:latest app:1.2',
    });
  }
  const request: TagImageRequest = { source, target };
  await context.client.post('/v1/store/tag', request);
  return EXIT.done;
}

/** `image rm NAME…`: all of them, or none. */
export async function removeImages(
  context: Context,
  names: readonly string[],
  { force }: ImageOptions,
): Promise<number> {
  requireNames('rm', names);
  const request: RemoveImagesRequest = { names, force };
  printRemoved(context, await context.client.post<RemovedImages>('/v1/store/remove', request));
  return EXIT.done;
}

/** `image prune`: images without a name, with `--all` every image that no container is made from. */
export async function pruneImages(
  context: Context,
  operands: readonly string[],
  { all, force }: ImageOptions,
): Promise<number> {
  if (operands.length > 0) throw new TsstackError('usage', `image prune takes no names, got "${operands.join(' ')}"`);
  const images = await context.client.get<readonly StoredImageSummary[]>('/v1/store');
  const unused = images.filter(({ users, names }) => users.length === 0 && (all || names.length === 0));
  if (unused.length > 0 && !force) {
    const list = unused.map(({ names, id }) => names[0] ?? withoutAlgorithm(id).slice(0, 12)).join(', ');
    const what = `This removes ${unused.length === 1 ? 'an image' : `${unused.length} images`}: ${list}`;
    if (!(await askYes(context, what))) return EXIT.failed;
  }
  const request: PruneImagesRequest = { all };
  printRemoved(context, await context.client.post<RemovedImages>('/v1/store/prune', request));
  return EXIT.done;
}

/** What went, and the bytes that are free now. */
export function printRemoved(context: Context, removed: RemovedImages): void {
  if (context.format === 'json') {
    context.out.write(`${JSON.stringify(removed, undefined, 2)}\n`);
    return;
  }
  const { untagged, deleted, freedBytes } = removed;
  context.out.write(
    [...untagged.map((name) => `Untagged: ${name}\n`), ...deleted.map((id) => `Deleted: ${id}\n`)].join(''),
  );
  if (freedBytes > 0) context.out.write(`Freed: ${formatBytes(freedBytes)}\n`);
}

function requireNames(verb: string, names: readonly string[]): void {
  if (names.length > 0) return;
  throw new TsstackError('usage', `image ${verb} needs the name of an image`, { hint: 'See them: tsstack image ls' });
}
