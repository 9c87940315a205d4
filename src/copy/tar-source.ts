import { printable } from '../image/errors.ts';
import { splitName } from '../image/layer/entry-path.ts';
import { type TarEntry, TarReader } from '../image/tar/tar-reader.ts';
import { TsstackError } from '../model/error.ts';
import { naming } from './descriptors.ts';
import type { Notice, Piece, Sink } from './entry.ts';
import { fromKeyword } from './tar-header.ts';

const CHUNK = 1 << 18;

/**
 * Puts the entries of a tar archive into a sink. Names with `..` are refused, a leading slash counts for nothing, devices
 * and pipes are left out with a notice.
 */
export async function copyArchive(stream: AsyncIterable<Buffer>, sink: Sink, notice: Notice): Promise<void> {
  const reader = new TarReader(stream);
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      await putEntry(entry, reader, { sink, notice });
    }
    await sink.end();
  } catch (error) {
    if (!(error instanceof TsstackError && error.code === 'image-invalid')) throw error;
    throw new TsstackError('command-failed', `The archive on standard input: ${error.message}`, { cause: error });
  } finally {
    await reader.close();
  }
}

async function putEntry(
  entry: TarEntry,
  reader: TarReader,
  { sink, notice }: { readonly sink: Sink; readonly notice: Notice },
): Promise<void> {
  const path = splitName(entry.name);
  if (path.length === 0) return;
  const { type } = entry;
  if (type === 'char' || type === 'block' || type === 'fifo') {
    notice(`${printable(entry.name)} is left out: Devices, pipes and sockets are not copied`);
    return;
  }
  const xattrs = new Map([...entry.xattrs].map(([name, value]) => [fromKeyword(name), value]));
  const linkName = type === 'link' ? splitName(entry.linkName).join('/') : entry.linkName;
  await naming(path, () => sink.put({ ...entry, type, path, linkName, xattrs }, dataOf(entry, reader)));
}

async function* dataOf({ segments }: TarEntry, reader: TarReader): AsyncGenerator<Piece> {
  for (const { offset, length } of segments) {
    for (let done = 0; done < length; ) {
      const bytes = await reader.data(Math.min(CHUNK, length - done));
      if (bytes === undefined) return;
      yield { offset: offset + done, bytes };
      done += bytes.length;
    }
  }
}
