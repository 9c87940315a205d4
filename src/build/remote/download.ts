import { createHash, type Hash } from 'node:crypto';
import { closeSync, fchmodSync, ftruncateSync, openSync, renameSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { machineLimits } from '../../image/limits-file.ts';
import { type Answer, drain, headerOf } from '../../image/registry/connections.ts';
import { Again, Attempts, DEFAULT_TIMING, type Timing } from '../../image/registry/retry.ts';
import { TsstackError } from '../../model/error.ts';
import { fileName } from './file-name.ts';
import { HttpSource } from './http-source.ts';

export interface Download {
  readonly url: string;
  /** `sha256:…` or `sha512:…`, as ADD --checksum; absent: not checked. */
  readonly checksum?: string;
  /** Empty directory that the file is put into. */
  readonly directory: string;
  /** Of the caller: proxies. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Absent: what an image may have unpacked. */
  readonly maxBytes?: number;
  readonly timing?: Timing;
}

/** A connection that brought less than this counts as a failed attempt: a server that drips must not go on for ever. */
const ACHIEVEMENT_BYTES = 64 * 1024;

/**
 * Puts the file there under its name, mode 0600, with Last-Modified as its time, else the epoch, as BuildKit. A broken
 * connection is taken up where it ended, if the server says that it still has the same file. Throws `build-failed`,
 * `cancelled`; then nothing is left in the directory.
 */
export async function download(wanted: Download): Promise<{ readonly name: string }> {
  const { env, signal, timing = DEFAULT_TIMING, directory, checksum } = wanted;
  checkChecksum(checksum);
  const source = new HttpSource({ url: parseUrl(wanted.url), env, mayLoseTls: checksum !== undefined, timing, signal });
  const part = `${directory}/.part`;
  try {
    const transfer = new Transfer(wanted, source, openSync(part, 'wx', 0o600));
    const { name, seconds } = await transfer.run(new Attempts(timing, signal));
    utimesSync(part, seconds, seconds);
    renameSync(part, `${directory}/${name}`);
    return { name };
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    await source.close();
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new TsstackError('build-failed', 'Cannot download: the source is no URL of HTTP', {
    hint: 'Write https://HOST/PATH',
  });
}

function checkChecksum(checksum: string | undefined): void {
  if (checksum === undefined || /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(checksum)) return;
  throw new TsstackError('build-failed', `The checksum ${JSON.stringify(checksum.slice(0, 200))} is no digest`, {
    hint: 'Write sha256: or sha512: and the digest in hexadecimal small letters.',
  });
}

/** The bytes of one file, over as many connections as it takes. Closes `fd` at its end. */
class Transfer {
  readonly #wanted: Download;
  readonly #source: HttpSource;
  readonly #fd: number;
  readonly #maxBytes: number;
  #hash: Hash;
  #at = 0;
  /** ETag or Last-Modified of what we have; undefined: it cannot be told whether the rest belongs to it. */
  #validator: string | undefined;

  constructor(wanted: Download, source: HttpSource, fd: number) {
    this.#wanted = wanted;
    this.#source = source;
    this.#fd = fd;
    this.#maxBytes = wanted.maxBytes ?? machineLimits().unpackedBytes;
    this.#hash = this.#newHash();
  }

  async run(attempts: Attempts): Promise<{ readonly name: string; readonly seconds: number }> {
    try {
      fchmodSync(this.#fd, 0o600);
      for (;;) {
        const begin = this.#at;
        try {
          const answer = await this.#once();
          this.#verify();
          return {
            name: fileName(new URL(this.#wanted.url), headerOf(answer, 'content-disposition')),
            seconds: lastModified(answer),
          };
        } catch (error) {
          if (this.#at - begin >= ACHIEVEMENT_BYTES) attempts.reset();
          await attempts.pause(error);
        }
      }
    } finally {
      closeSync(this.#fd);
    }
  }

  async #once(): Promise<Answer> {
    const answer = await this.#ask();
    const length = headerOf(answer, 'content-length');
    const total = length === undefined ? undefined : this.#at + Number(length);
    if (total !== undefined && total > this.#maxBytes) await this.#tooLarge(answer);
    this.#validator = validatorOf(answer);
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        if (this.#at + chunk.length > this.#maxBytes) await this.#tooLarge(answer);
        this.#write(chunk);
      }
    } catch (error) {
      throw this.#source.failure(error, answer.url);
    }
    if (total !== undefined && this.#at !== total) {
      throw new Again(this.#source.failed(`it ends after ${this.#at} of ${total} bytes`));
    }
    return answer;
  }

  /** An answer whose body goes on where we are. */
  async #ask(): Promise<Answer> {
    if (this.#at > 0 && this.#validator !== undefined) {
      const headers = { range: `bytes=${this.#at}-`, 'if-range': this.#validator };
      const answer = await this.#source.get(headers, [200, 206, 416]);
      if (answer.status === 206 && headerOf(answer, 'content-range')?.startsWith(`bytes ${this.#at}-`)) return answer;
      if (answer.status === 200) return this.#fromStart(answer);
      await drain(answer);
    }
    return this.#fromStart(await this.#source.get({}, [200]));
  }

  #fromStart(answer: Answer): Answer {
    ftruncateSync(this.#fd, 0);
    this.#at = 0;
    this.#hash = this.#newHash();
    return answer;
  }

  #write(chunk: Buffer): void {
    for (let done = 0; done < chunk.length; ) {
      done += writeSync(this.#fd, chunk, done, chunk.length - done, this.#at + done);
    }
    this.#hash.update(chunk);
    this.#at += chunk.length;
  }

  #verify(): void {
    const { checksum } = this.#wanted;
    if (checksum === undefined) return;
    const found = `${checksum.split(':')[0]}:${this.#hash.digest('hex')}`;
    if (found === checksum) return;
    throw this.#source.failed(
      `it has the digest ${found}, not ${checksum}`,
      'Somebody has changed the file, or the checksum is of another one.',
    );
  }

  async #tooLarge(answer: Answer): Promise<never> {
    answer.body.destroy();
    throw this.#source.failed(`it has more than ${this.#maxBytes} bytes`);
  }

  #newHash(): Hash {
    return createHash(this.#wanted.checksum?.split(':')[0] ?? 'sha256');
  }
}

/** RFC 9110, section 13.1.5: a weak tag does not tell whether bytes are the same. */
function validatorOf(answer: Answer): string | undefined {
  const tag = headerOf(answer, 'etag');
  return tag === undefined || tag.startsWith('W/') ? headerOf(answer, 'last-modified') : tag;
}

function lastModified(answer: Answer): number {
  const time = Date.parse(headerOf(answer, 'last-modified') ?? '');
  return Number.isNaN(time) ? 0 : Math.max(0, Math.floor(time / 1000));
}
