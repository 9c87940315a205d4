import { formatBytes } from '../../lib/format-bytes.ts';
import type { ProgressEvent } from '../../model/event.ts';
import type { Terminal } from '../terminal.ts';

export type Transfer = ProgressEvent & { readonly type: 'transfer' };

const SHORT_DIGEST = 12;

/** Blobs on their way: on a terminal one line that is rewritten, with the bytes of all of them; else a line a blob. */
export class Transfers {
  readonly #terminal: Terminal;
  readonly #blobs = new Map<string, Transfer>();
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(event: Transfer): void {
    const before = this.#blobs.get(event.digest);
    this.#blobs.set(event.digest, event);
    if (this.#terminal.isTerminal) this.#draw(event.subject);
    else if (event.bytes === event.size && before?.bytes !== event.size) {
      const digest = event.digest.replace(/^sha\d+:/, '').slice(0, SHORT_DIGEST);
      this.#terminal.write(`${event.subject} ${digest} ${formatBytes(event.size)}\n`);
    }
  }

  /** What is written next begins on a line of its own. */
  end(): void {
    if (this.#drawn) this.#terminal.write('\n');
    this.#drawn = false;
    this.#blobs.clear();
  }

  #draw(subject: string): void {
    const text = transferText(subject, [...this.#blobs.values()]);
    this.#terminal.write(`\r\u001b[K${text.slice(0, this.#terminal.columns - 1)}`);
    this.#drawn = true;
  }
}

/** How far all of these have come. */
export function transferText(subject: string, blobs: readonly Transfer[]): string {
  const done = blobs.filter(({ bytes, size }) => bytes === size).length;
  const [bytes, size] = [sum(blobs.map((blob) => blob.bytes)), sum(blobs.map((blob) => blob.size))];
  return `${subject}  ${done} of ${blobs.length}  ${formatBytes(bytes)} of ${formatBytes(size)}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
