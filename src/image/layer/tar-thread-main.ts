import { parentPort } from 'node:worker_threads';
import { TsstackError } from '../../model/error.ts';
import type { LayerBlob } from '../opened-image.ts';
import { layerTar } from './blob-stream.ts';
import type { FromThread, ToThread } from './tar-thread.ts';

/** What `TarThread` runs: answers each `read` with a layer's bytes, as many pieces ahead as it is asked for. */

/** Pieces are of up to 256 KiB. */
const AHEAD = 8;

let credit = AHEAD;
let proceed: () => void = () => undefined;
const { signal } = new AbortController();

parentPort?.on('message', (message: ToThread) => {
  if (message.type === 'read') {
    void read(message.blob);
    return;
  }
  credit += 1;
  proceed();
});

async function read(blob: LayerBlob): Promise<void> {
  let packed = 0;
  const sincePosted = (): number => {
    const bytes = packed;
    packed = 0;
    return bytes;
  };
  const meter = {
    packed: (bytes: number): void => {
      packed += bytes;
    },
    unpacked: (): void => undefined,
  };
  try {
    for await (const chunk of layerTar(blob, meter, signal)) {
      while (credit === 0) {
        await new Promise<void>((resolve) => {
          proceed = resolve;
        });
      }
      credit -= 1;
      const data = ownBytes(chunk);
      post({ type: 'data', packed: sincePosted(), data }, [data.buffer]);
    }
    post({ type: 'end', packed: sincePosted() });
  } catch (error) {
    post(failure(error));
  }
}

/** What can be handed over: the piece itself if it is all of its memory, otherwise a copy, since others use the rest. */
function ownBytes(chunk: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(chunk);
}

function failure(error: unknown): FromThread {
  if (error instanceof TsstackError) {
    return { type: 'failed', code: error.code, message: error.message, hint: error.hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'failed', code: 'internal', message, hint: undefined };
}

function post(message: FromThread, transferred: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transferred);
}
