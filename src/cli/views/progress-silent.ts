import type { ProgressView } from '../progress.ts';

/** No progress: of a request only its error is shown. */
export class SilentProgress implements ProgressView {
  show(): void {}

  note(): void {}

  async close(): Promise<void> {}
}
