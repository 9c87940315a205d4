import type { UpResult } from '../daemon/api.ts';
import { fromReport } from './client.ts';
import { type Context, EXIT } from './command.ts';
import { uniqueName } from './unique-name.ts';
import { PlainProgress } from './views/progress-plain.ts';

/** Does something that goes on until Ctrl-C or SIGTERM, which abort the signal that it is given. */
export async function untilInterrupted<Result>(body: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const leave = new AbortController();
  const interrupt = (): void => leave.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await body(leave.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

interface InterruptOptions {
  /** Called when the services could not be stopped. */
  readonly onLeave: () => void;
  /** Time to stop; absent: each service's own. */
  readonly timeoutMs: number | undefined;
}

/**
 * What Ctrl-C means while output is shown, from the moment that this is made until `close()`: the first stops the
 * services in order, the second kills them, the third leaves.
 */
export class Interrupts {
  readonly #context: Context;
  readonly #up: UpResult;
  readonly #onLeave: () => void;
  readonly #timeoutMs: number | undefined;
  readonly #stops: Promise<void>[] = [];
  count = 0;

  constructor(context: Context, up: UpResult, { onLeave, timeoutMs }: InterruptOptions) {
    this.#context = context;
    this.#up = up;
    this.#onLeave = onLeave;
    this.#timeoutMs = timeoutMs;
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
  }

  /** Stops the services in order, as the first Ctrl-C does. */
  abort(): void {
    this.#context.err.write('Aborting on container exit…\n');
    this.#stops.push(this.#stop(this.#timeoutMs));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#stops);
  }

  close(): void {
    process.off('SIGINT', this.#interrupt);
    process.off('SIGTERM', this.#interrupt);
  }

  readonly #interrupt = (): void => {
    this.count += 1;
    if (this.count > 2) process.exit(EXIT.interrupted);
    this.#context.err.write(this.count === 1 ? '\nStopping… (Ctrl-C again to kill)\n' : '\nKilling…\n');
    this.#stops.push(this.#stop(this.count === 1 ? this.#timeoutMs : 0));
  };

  async #stop(timeoutMs: number | undefined): Promise<void> {
    const view = new PlainProgress(this.#context.err);
    const { stack, services } = this.#up;
    const body = {
      selector: { stack },
      services,
      requestId: uniqueName(),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    try {
      for await (const event of this.#context.client.progress('/v1/stop', body)) {
        view.show(event);
        if (event.type === 'failed' && event.error.code !== 'cancelled') throw fromReport(event.error);
      }
    } catch (error) {
      this.#context.err.write(`${error instanceof Error ? error.message : error}\n`);
      // It could not be stopped: nobody will tell that all has ended.
      this.#onLeave();
    }
  }
}
