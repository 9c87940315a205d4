import type { Host } from '../../host/host.ts';
import { Budget } from '../../image/layer/budget.ts';
import { decompress } from '../../image/layer/decompress.ts';
import { unpackLayer } from '../../image/layer/unpack.ts';
import type { UnpackLimits } from '../../image/limits.ts';
import { machineLimits } from '../../image/limits-file.ts';
import { TarReader } from '../../image/tar/tar-reader.ts';
import { TsstackError } from '../../model/error.ts';

/** Of what is unpacked to find a first entry: more than its extended headers may be. Zeros could go on for ever. */
const LOOK_BYTES = 8 * 2 ** 20;

/**
 * Whether ADD unpacks a file: a tar archive with at least one entry, plain or packed with gzip, bzip2, xz or zstd, told by
 * its content and not by its name. As BuildKit, which looks whether there is a first header: a packed text is none. Throws
 * `missing-tool` when it takes a program to see, and what `read` throws.
 */
export async function isArchive(read: () => AsyncIterable<Buffer>): Promise<boolean> {
  const reader = new TarReader(beginning(decompress(read())));
  try {
    return (await reader.next()) !== undefined;
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'image-invalid') return false;
    throw error;
  } finally {
    await reader.close();
  }
}

async function* beginning(data: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of data) {
    yield chunk;
    length += chunk.length;
    if (length >= LOOK_BYTES) return;
  }
}

export interface UnpackArchiveOptions {
  readonly host: Host;
  /** Empty: becomes the archive's root. */
  readonly directory: string;
  /** A directory on the same file system for what is not in its place yet. The caller takes it away. */
  readonly staging: string;
  /** Absent: those of an image. */
  readonly limits?: UnpackLimits;
  readonly signal: AbortSignal;
}

/**
 * Unpacks an archive with the care that a layer gets: nothing lands outside `directory`, whatever it says, and it is
 * bounded. Owners, modes, times, attributes and links are kept. Throws `build-failed` with the entry's name, `missing-tool`,
 * `cancelled`, `command-failed`; the directory is then of no use.
 */
export async function unpackArchive(
  data: AsyncIterable<Buffer>,
  { host, directory, staging, limits = machineLimits(), signal }: UnpackArchiveOptions,
): Promise<void> {
  const budget = new Budget(limits, 'the archive');
  const target = { host, root: directory, lowers: [], staging, budget, refuseWhiteouts: true };
  try {
    await unpackLayer(unpacked(data, budget, signal), target);
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'image-invalid') throw error;
    throw new TsstackError('build-failed', `The archive cannot be unpacked: ${error.message}`, { cause: error });
  }
}

async function* unpacked(data: AsyncIterable<Buffer>, budget: Budget, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of decompress(counted(data, budget))) {
    if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
    budget.unpacked(chunk.length);
    yield chunk;
  }
}

async function* counted(data: AsyncIterable<Buffer>, budget: Budget): AsyncGenerator<Buffer> {
  for await (const chunk of data) {
    budget.packed(chunk.length);
    yield chunk;
  }
}
