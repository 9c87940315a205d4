import { createHash } from 'node:crypto';

/** sha256 of what a file holds, in hex. */
export async function hashContent(data: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of data) hash.update(chunk);
  return hash.digest('hex');
}
