import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { TsstackError } from '../../model/error.ts';
import { imageInvalid } from '../errors.ts';

/** A program that unpacks what it reads to its standard output. */
interface UnpackProgram {
  readonly argv: readonly [string, ...string[]];
  /** Of Debian. */
  readonly package: string;
}

/** `xz -9` needs 65 MiB to unpack; a hostile header may ask for 4 GiB. */
export const XZ: UnpackProgram = {
  argv: ['xz', '--decompress', '--stdout', '--memlimit-decompress=256MiB'],
  package: 'xz-utils',
};
/** Needs 4 MiB at most. */
export const BZIP2: UnpackProgram = { argv: ['bzip2', '--decompress', '--stdout'], package: 'bzip2' };

/** Unpacks with a program of the machine. Throws `missing-tool`, `image-invalid`. The process ends with the iteration. */
export async function* unpackBy(program: UnpackProgram, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const [file, ...args] = program.argv;
  const child = spawn(file, args);
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
      throw new TsstackError('missing-tool', `${file} is not installed`, {
        hint: `Run: apt-get install ${program.package}`,
      });
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
