import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type {
  ExportedImage,
  ExportImageRequest,
  ImportedImage,
  ImportImageRequest,
  LoadedImages,
  LoadImagesRequest,
  SavedImages,
  SaveImagesRequest,
} from '../../daemon/image-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import { streamRequest } from '../stream-request.ts';
import { standardStream } from '../terminal.ts';
import type { ImageOptions } from './options.ts';

/** `image load [FILE]`, `-i FILE`: an archive or an OCI image layout; without one, or with `-`, from standard input. */
export async function loadImages(
  context: Context,
  operands: readonly string[],
  options: ImageOptions,
): Promise<number> {
  const [operand, ...more] = operands;
  if (more.length > 0 || (operand !== undefined && options.input !== undefined)) {
    throw new TsstackError('usage', 'image load needs one file');
  }
  const input = options.input ?? operand ?? '-';
  refuseTerminal(input, 'tsstack image load app.tar');
  const { loaded } = await withInput(context, input, (path) => {
    const body: Omit<LoadImagesRequest, 'requestId'> = { path };
    return streamRequest<LoadedImages>(context, { path: '/v1/store/load', body, quiet: options.quiet });
  });
  if (context.format !== 'json') context.out.write(loaded.map((name) => `${name}\n`).join(''));
  return EXIT.done;
}

/** `image import FILE|- [NAME]`: the tarball of a root filesystem; prints the id of its image. */
export async function importImage(
  context: Context,
  operands: readonly string[],
  { change, message, platform, quiet }: ImageOptions,
): Promise<number> {
  const [input, name, ...more] = operands;
  if (input === undefined || more.length > 0) {
    throw new TsstackError('usage', 'image import needs one tarball, and at most one name for the image', {
      hint: 'For example: tsstack image import rootfs.tar.gz base:1',
    });
  }
  refuseTerminal(input, 'tsstack image import rootfs.tar.gz base:1');
  const { id } = await withInput(context, input, (path) => {
    const body: Omit<ImportImageRequest, 'requestId'> = {
      path,
      from: input,
      ...(name !== undefined && { name }),
      message: message ?? '',
      changes: change,
      ...(platform !== undefined && { platform }),
    };
    return streamRequest<ImportedImage>(context, { path: '/v1/store/import', body, quiet });
  });
  if (context.format !== 'json') context.out.write(`${id}\n`);
  return EXIT.done;
}

function refuseTerminal(input: string, example: string): void {
  if (input !== '-' || !process.stdin.isTTY) return;
  throw new TsstackError('usage', 'An archive is not read from a terminal', { hint: `Name a file: ${example}` });
}

/** An archive is read here and there, so what comes through a pipe is put into a file first. */
async function withInput<Result>(
  context: Context,
  input: string,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  if (input !== '-') return use(resolve(context.cwd, input));
  return withScratch(async (directory) => {
    const path = join(directory, 'archive.tar');
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
    return use(path);
  });
}

/** `image save NAME…`, `-o FILE`: one archive of them all. */
export async function saveImages(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  if (names.length === 0) throw new TsstackError('usage', 'image save needs the name of an image');
  return writeArchive(context, { verb: 'save', output: options.output }, (path) => {
    const body: Omit<SaveImagesRequest, 'requestId'> = { names, path };
    return streamRequest<SavedImages>(context, { path: '/v1/store/save', body, quiet: true });
  });
}

/** `image export NAME`, `-o FILE`: its root filesystem, all layers together, as `image import` takes it. */
export async function exportImage(context: Context, names: readonly string[], options: ImageOptions): Promise<number> {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0)
    throw new TsstackError('usage', 'image export needs the name of one image');
  return writeArchive(context, { verb: 'export', output: options.output }, (path) => {
    const { platform } = options;
    const body: Omit<ExportImageRequest, 'requestId'> = { name, path, ...(platform !== undefined && { platform }) };
    return streamRequest<ExportedImage>(context, { path: '/v1/store/export', body, quiet: true });
  });
}

/** `write`: lets the daemon write into a file or FIFO. */
async function writeArchive(
  context: Context,
  { verb, output = '-' }: { readonly verb: string; readonly output: string | undefined },
  write: (path: string) => Promise<unknown>,
): Promise<number> {
  if (output === '-' && context.out.isTerminal) {
    throw new TsstackError('usage', 'An archive is not written to a terminal', {
      hint: `Write it to a file: tsstack image ${verb} NAME -o image.tar`,
    });
  }
  if (output !== '-') {
    const path = resolve(context.cwd, output);
    await write(path).catch((error: unknown) => {
      rmSync(path, { force: true });
      throw error;
    });
    return EXIT.done;
  }
  await withScratch(async (directory) => {
    const path = join(directory, 'archive');
    const { status, error } = spawnSync('mkfifo', ['-m', '0600', path]);
    if (status !== 0) throw new TsstackError('missing-tool', 'Cannot run mkfifo', { cause: error });
    // Without data the daemon ends without opening it: then there is nothing to wait for.
    const reading = pipeline(createReadStream(path), standardStream(1), { end: false });
    reading.catch(() => undefined);
    await write(path);
    await reading;
  });
  return EXIT.done;
}

async function withScratch<Result>(use: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'tsstack-image-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
