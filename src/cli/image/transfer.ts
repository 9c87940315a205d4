import type { PulledImages, PullImagesRequest, PushedImages, PushImagesRequest } from '../../daemon/image-api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import { streamRequest } from '../stream-request.ts';
import type { ImageOptions } from './options.ts';

/** `image pull NAME…`: side by side; prints what was asked for when all of it is there. */
export async function pullImages(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  requireNames('pull', names);
  const { platform } = options;
  const body: Omit<PullImagesRequest, 'requestId'> = {
    names,
    env: context.env,
    ...(platform !== undefined && { platform }),
  };
  const { pulled } = await streamRequest<PulledImages>(context, {
    path: '/v1/store/pull',
    body,
    quiet: options.quiet,
  });
  if (context.format !== 'json') context.out.write(pulled.map((name) => `${name}\n`).join(''));
  return EXIT.done;
}

/** `image push NAME…`: to the registries that the names say. */
export async function pushImages(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  requireNames('push', names);
  const body: Omit<PushImagesRequest, 'requestId'> = { names, env: context.env };
  printPushed(
    context,
    await streamRequest<PushedImages>(context, { path: '/v1/store/push', body, quiet: options.quiet }),
  );
  return EXIT.done;
}

/** What is at a registry now. */
export function printPushed({ format, out }: Context, { pushed }: PushedImages): void {
  if (format === 'json') return;
  for (const { name, digest, uploadedBytes } of pushed) {
    out.write(`${name} ${digest} ${formatBytes(uploadedBytes)} sent\n`);
  }
}

function requireNames(verb: string, names: readonly string[]): void {
  if (names.length > 0) return;
  throw new TsstackError('usage', `image ${verb} needs the name of an image`, {
    hint: `Such as: tsstack image ${verb} busybox:1.36`,
  });
}
