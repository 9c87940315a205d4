import { TsstackError } from '../../model/error.ts';
import type { Expected } from '../content/ingest.ts';
import { imageInvalid } from '../errors.ts';
import { type Answer, drain, headerOf } from './connections.ts';
import { Again, type Attempts } from './retry.ts';

export interface Download {
  readonly expected: Expected;
  readonly offset: number;
  /** For errors. */
  readonly what: string;
  readonly attempts: Attempts;
  /** One request, answered with 200, 206 or 416. */
  readonly ask: (headers: Readonly<Record<string, string>>) => Promise<Answer>;
  /** What an error of the body means. */
  readonly failure: (error: unknown, answer: Answer) => unknown;
}

/** A connection that brought less than this counts as a failed attempt: a peer that drips must not go on for ever. */
const ACHIEVEMENT_BYTES = 64 * 1024;

/**
 * A blob's bytes in order, from an offset on, each once. When the connection breaks, the rest is asked for; a registry that
 * knows no ranges sends all again, and what is there is passed over.
 */
export async function* downloadBlob(download: Download): AsyncGenerator<Buffer> {
  const { expected, attempts, what } = download;
  let at = download.offset;
  let ranges = true;
  while (at < expected.size) {
    const begin = at;
    try {
      const answer = await download.ask(ranges && at > 0 ? { range: `bytes=${at}-` } : {});
      const start = await startOf(answer, at, download);
      if (start === undefined) {
        if (!ranges) throw new TsstackError('registry-failed', `${what}: it answers ${answer.status} without the blob`);
        ranges = false;
        continue;
      }
      for await (const chunk of skip(pieces(answer, download), at - start)) {
        at += chunk.length;
        yield chunk;
      }
      if (at < expected.size) throw new Again(cutShort(at, download));
    } catch (error) {
      if (at - begin >= ACHIEVEMENT_BYTES) attempts.reset();
      await attempts.pause(error);
    }
  }

  function cutShort(end: number, { expected: { digest, size } }: Download): TsstackError {
    return new TsstackError('registry-failed', `${what}: ${digest} ends after ${end} of ${size} bytes`);
  }
}

/** Where the answer's bytes begin; undefined: the range is no use, and it must be asked for without. */
async function startOf(answer: Answer, at: number, { expected, what }: Download): Promise<number | undefined> {
  if (answer.status === 200) {
    const length = Number(headerOf(answer, 'content-length') ?? expected.size);
    if (length === expected.size) return 0;
    await drain(answer);
    throw imageInvalid(`${what}: the registry has ${length} bytes, not ${expected.size}`);
  }
  const [, start, total] =
    /^bytes ([0-9]{1,15})-[0-9]{1,15}\/([0-9]{1,15}|\*)$/.exec(headerOf(answer, 'content-range') ?? '') ?? [];
  const fits = answer.status === 206 && start !== undefined && Number(start) <= at;
  if (fits && (total === '*' || Number(total) === expected.size)) return Number(start);
  await drain(answer);
  if (at > 0) return undefined;
  throw new TsstackError('registry-failed', `${what}: it answers ${answer.status} for a whole blob`);
}

async function* pieces(answer: Answer, { failure }: Download): AsyncGenerator<Buffer> {
  try {
    yield* answer.body as AsyncIterable<Buffer>;
  } catch (error) {
    throw failure(error, answer);
  }
}

async function* skip(source: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of source) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}
