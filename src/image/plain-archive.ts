import { createHash } from 'node:crypto';
import { createWriteStream, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImageAbout, ImageConfig } from '../model/image.ts';
import type { Paths } from '../store/paths.ts';
import type { ImageContext } from './context.ts';
import { type FileRange, regularFile, stampOf } from './file-range.ts';
import { layerTar } from './layer/blob-stream.ts';
import { Budget } from './layer/budget.ts';
import { packingOf } from './layer/decompress.ts';
import { machineLimits } from './limits-file.ts';
import { withStaging } from './staging.ts';
import { archiveRecordPath } from './store-layout.ts';

/**
 * Runs `use` with an image archive that can be read here and there: the file itself, or, where it is packed as a whole
 * (gzip, zstd, xz), an unpacked copy, which is gone afterwards. Throws `image-invalid` for more than an image may be,
 * `cancelled`, `missing-tool`.
 */
export async function withPlainArchive<Result>(
  paths: Paths,
  path: string,
  { signal, use }: { readonly signal: AbortSignal; readonly use: (path: string) => Promise<Result> },
): Promise<Result> {
  const file = packedFile(path);
  if (file === undefined) return use(path);
  return withStaging(paths, async (directory) => {
    const plain = `${directory}/archive.tar`;
    const tar = layerTar({ file }, new Budget(machineLimits()), signal);
    await pipeline(Readable.from(tar, { objectMode: false }), createWriteStream(plain, { mode: 0o600 }));
    return use(plain);
  });
}

function packedFile(path: string): FileRange | undefined {
  const file = regularFile(path);
  return file === undefined || packingOf(file) === 'plain' ? undefined : file;
}

/** What an image in a packed archive says of itself. */
export interface ArchivedImage {
  readonly id: string;
  readonly config: ImageConfig;
  readonly about?: ImageAbout;
}

interface ArchiveRecord extends ArchivedImage {
  readonly key: string;
  readonly stamp: string;
}

/**
 * The image of an archive, by `inspect` or, of a packed one that has not changed since, from what that said the last time:
 * else every plan would unpack it. `key` names archive and tag.
 */
export async function rememberedImage(
  context: ImageContext,
  { path, key }: { readonly path: string; readonly key: string },
  inspect: () => Promise<ArchivedImage>,
): Promise<ArchivedImage> {
  const stats = packedFile(path) && statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return inspect();
  const stamp = stampOf(stats);
  const recordPath = archiveRecordPath(context.paths, createHash('sha256').update(key).digest('hex'));
  const known = parseRecord(context.host.readText(recordPath));
  if (known?.key === key && known.stamp === stamp) return known;
  const { id, config, about } = await inspect();
  const record: ArchiveRecord = { key, stamp, id, config, ...(about !== undefined && { about }) };
  await context.host.perform([
    { op: 'mkdir', path: dirname(recordPath), mode: 0o700 },
    { op: 'write-file', path: recordPath, data: JSON.stringify(record), mode: 0o600 },
  ]);
  return record;
}

/** undefined: not there, or not what it should be; then the archive is read anew. */
function parseRecord(text: string | undefined): ArchiveRecord | undefined {
  try {
    const value = JSON.parse(text ?? '') as ArchiveRecord;
    return /^sha256:[0-9a-f]{64}$/.test(value.id) && typeof value.config === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}
