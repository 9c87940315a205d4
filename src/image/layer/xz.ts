import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { TsstackError } from '../../model/error.ts';
import { imageInvalid } from '../errors.ts';

/** `xz -9` needs 65 MiB to unpack; a hostile header may ask for 4 GiB. */
const MEMORY_LIMIT = '256MiB';

/** Unpacks with the machine's `xz`. Throws `missing-tool`, `image-invalid`. The process ends with the iteration. */
export async function* unxz(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn('xz', ['--decompress', '--stdout', `--memlimit-decompress=${MEMORY_LIMIT}`]);
  const closed = once(child, 'close').catch((error: unknown) => [error]);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  let failure: unknown;
  pipeline(Readable.from(packed, { objectMode: false }), child.stdin, (error) => {
    if ((error as NodeJS.ErrnoException | null)?.code !== 'EPIPE') failure = error ?? undefined;
    if (error !== null && error !== undefined) child.kill('SIGKILL');
  });
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const [status] = (await closed) as [unknown];
    if (failure !== undefined) throw failure;
    if (isMissing(status)) {
      throw new TsstackError('missing-tool', 'xz is not installed', { hint: 'Run: apt-get install xz-utils' });
    }
    if (status !== 0) throw imageInvalid(`its compressed data is damaged: ${complaint.trim()}`);
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

function isMissing(status: unknown): boolean {
  return status instanceof Error && (status as NodeJS.ErrnoException).code === 'ENOENT';
}
