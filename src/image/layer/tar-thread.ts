import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, TsstackError } from '../../model/error.ts';
import type { LayerBlob } from '../opened-image.ts';
import { type ByteMeter, layerTar } from './blob-stream.ts';

/** Starting a thread takes as long as hashing and unpacking this much here. */
const WORTH_A_THREAD = 2 ** 20;

/** What the thread is asked. */
export type ToThread = { readonly type: 'read'; readonly blob: LayerBlob } | { readonly type: 'more' };

/** What it answers; `packed`: bytes read from the file since the last answer. */
export type FromThread =
  | { readonly type: 'data'; readonly packed: number; readonly data: Uint8Array }
  | { readonly type: 'end'; readonly packed: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined };

/**
 * A thread that reads, hashes and unpacks layers, one after the other, while who asked for them writes files. It starts
 * with the first layer that is large enough. At most two mebibytes are on their way.
 */
export class TarThread {
  readonly #worthBytes: number;
  #worker: Worker | undefined;

  /** `worthBytes`: packed size from which on a layer is given to the thread. */
  constructor(worthBytes: number = WORTH_A_THREAD) {
    this.#worthBytes = worthBytes;
  }

  /** As `layerTar()`. The budget is asked on this side, before anything is done with the bytes. */
  tar(blob: LayerBlob, meter: ByteMeter, signal: AbortSignal): AsyncIterable<Buffer> {
    return blob.file.size < this.#worthBytes ? layerTar(blob, meter, signal) : this.#read(blob, meter, signal);
  }

  /** May be called twice. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async *#read(blob: LayerBlob, meter: ByteMeter, signal: AbortSignal): AsyncGenerator<Buffer> {
    this.#worker ??= new Worker(ENTRY);
    const worker = this.#worker;
    const answers = new Answers(worker);
    let whole = false;
    try {
      send(worker, { type: 'read', blob });
      for (;;) {
        const answer = await answers.next();
        if (signal.aborted) throw new TsstackError('cancelled', 'unpacking was cancelled');
        if (answer.type === 'failed') throw new TsstackError(answer.code, answer.message, { hint: answer.hint });
        meter.packed(answer.packed);
        if (answer.type === 'end') break;
        const { buffer, byteOffset, length } = answer.data;
        meter.unpacked(length);
        yield Buffer.from(buffer, byteOffset, length);
        send(worker, { type: 'more' });
      }
      whole = true;
    } finally {
      answers.stop();
      // What it still has in hand is of no use to the next layer.
      if (!whole) await this.close();
    }
  }
}

/** Beside this file: as TypeScript in the sources, and bundled in dist/. */
const ENTRY = join(import.meta.dirname, `tar-thread-main${extname(import.meta.filename)}`);

function send(worker: Worker, message: ToThread): void {
  worker.postMessage(message);
}

/** Messages of a thread in their order, each once. */
class Answers {
  readonly #worker: Worker;
  readonly #waiting: FromThread[] = [];
  #failure: unknown;
  #tell: () => void = () => undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', this.#onMessage).on('error', this.#onError).on('exit', this.#onExit);
  }

  /** Throws what ended the thread. */
  async next(): Promise<FromThread> {
    for (;;) {
      const answer = this.#waiting.shift();
      if (answer !== undefined) return answer;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
  }

  stop(): void {
    this.#worker.off('message', this.#onMessage).off('error', this.#onError).off('exit', this.#onExit);
  }

  readonly #onMessage = (message: FromThread): void => {
    this.#waiting.push(message);
    this.#tell();
  };

  readonly #onError = (error: unknown): void => {
    this.#failure = error;
    this.#tell();
  };

  readonly #onExit = (): void => this.#onError(new Error('the thread that unpacks layers has ended'));
}
