import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';

const CHUNK = 1 << 16;

/** `level`: 1 to 9 as of gzip(1). Without a name or a time in its header: Node writes none. */
export async function* gzipped(source: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer> {
  const packer = createGzip({ level, chunkSize: CHUNK });
  const readable = Readable.from(source, { objectMode: false });
  pipeline(readable, packer, () => {});
  try {
    for await (const chunk of packer) yield chunk as Buffer;
  } finally {
    readable.destroy();
    packer.destroy();
  }
}
