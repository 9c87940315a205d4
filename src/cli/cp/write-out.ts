import { standardStream } from '../terminal.ts';

/** Writes to standard output; done when the bytes are no longer needed. */
export function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((done, failed) =>
    standardStream(1).write(bytes, (error) => (error == null ? done() : failed(error))),
  );
}
