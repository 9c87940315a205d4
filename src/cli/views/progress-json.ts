import type { ProgressEvent } from '../../model/event.ts';
import type { ProgressView } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

/** Every event as it came, one JSON object a line. */
export class JsonProgress implements ProgressView {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(event: ProgressEvent): void {
    this.#terminal.write(`${JSON.stringify(event)}\n`);
  }

  note(): void {}

  async close(): Promise<void> {}
}
