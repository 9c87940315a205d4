import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { TsstackError } from '../model/error.ts';
import { EMPTY_CONFIG } from './config.ts';
import type { ImageContext } from './context.ts';
import { imageInvalid } from './errors.ts';
import { stampOf, streamRange } from './file-range.ts';
import type { OpenedImage } from './opened-image.ts';
import { tarballRecordPath } from './store-layout.ts';

interface TarballRecord {
  readonly path: string;
  /** Size, inode and times: another value, another content. */
  readonly stamp: string;
  readonly digest: string;
}

/** A root filesystem's tarball as an image of one layer. Its digest is remembered, so that planning stays fast. */
export async function openTarball(context: ImageContext, path: string): Promise<OpenedImage> {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) throw new TsstackError('image-missing', 'there is no such file');
  if (!stats.isFile()) throw imageInvalid('it is neither a directory nor a file');
  const file = { path, start: 0, size: Number(stats.size) };
  const stamp = stampOf(stats);
  const recordPath = tarballRecordPath(context.paths, createHash('sha256').update(path).digest('hex'));
  const known = parseRecord(context.host.readText(recordPath));
  if (known?.path === path && known.stamp === stamp) return asImage(file, known.digest);
  const hash = createHash('sha256');
  for await (const chunk of streamRange(file)) hash.update(chunk);
  const digest = `sha256:${hash.digest('hex')}`;
  const record: TarballRecord = { path, stamp, digest };
  await context.host.perform([
    { op: 'mkdir', path: recordPath.slice(0, recordPath.lastIndexOf('/')), mode: 0o700 },
    { op: 'write-file', path: recordPath, data: JSON.stringify(record), mode: 0o600 },
  ]);
  return asImage(file, digest);
}

function asImage(file: { path: string; start: number; size: number }, digest: string): OpenedImage {
  return { id: digest, config: EMPTY_CONFIG, layers: [{ file, digest }] };
}

/** undefined: not there, or not what it should be; then the digest is computed anew. */
function parseRecord(text: string | undefined): TarballRecord | undefined {
  try {
    const value = JSON.parse(text ?? '') as TarballRecord;
    return /^sha256:[0-9a-f]{64}$/.test(value.digest) ? value : undefined;
  } catch {
    return undefined;
  }
}
