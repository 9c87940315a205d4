import { statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerSummary, UpResult } from '../daemon/api.ts';
import { LogReader } from '../log/log-reader.ts';
import { TsstackError } from '../model/error.ts';
import type { ContainerEvent, ProgressEvent } from '../model/event.ts';
import { containerPaths, type Paths } from '../store/paths.ts';
import { fromReport } from './client.ts';
import { type Context, EXIT } from './command.ts';
import { labelled, labelOf, writeStandardOutput } from './log-output.ts';
import { uniqueName } from './unique-name.ts';
import { PlainProgress } from './views/progress-plain.ts';

/** Where the output begins that an `up` is about. */
export interface LogStarts {
  /** Must see the plan before its first step is done. */
  readonly see: (event: ProgressEvent) => void;
  /** Offset in a log file; what a container wrote before this `up` is left out. */
  readonly of: (logPath: string) => number;
}

/** Remembers how long the logs of the containers are that a plan will start. */
export function logStarts(paths: Paths): LogStarts {
  const offsets = new Map<string, number>();
  return {
    see: (event) => {
      if (event.type !== 'plan') return;
      for (const step of event.plan.steps) {
        if (step.type !== 'start-container') continue;
        const { log } = containerPaths(paths, step.spec.key);
        offsets.set(log, sizeOf(log));
      }
    },
    of: (logPath) => offsets.get(logPath) ?? sizeOf(logPath),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

interface AttachOptions {
  readonly starts: LogStarts;
  /** Services whose output is not shown. */
  readonly hidden: readonly string[];
}

/**
 * Shows the output of a stack's services until all have ended. The first Ctrl-C stops them in order, the second kills
 * them, the third leaves. Gives the exit status.
 */
export async function attach(context: Context, up: UpResult, { starts, hidden }: AttachOptions): Promise<number> {
  const containers = await containersOf(context, up);
  const shown = containers.filter(({ service }) => !hidden.includes(service));
  const sources = labelled(shown, context.out.style).map(({ container: { logPath }, prefix }) => ({
    path: logPath,
    prefix,
    from: starts.of(logPath),
  }));
  const reader = new LogReader(sources, { follow: true, timestamps: false }, writeStandardOutput);
  const reading = reader.run();
  const leave = new AbortController();
  const interrupts = new Interrupts(context, up, () => leave.abort());
  try {
    await Promise.race([untilAllEnded(context, up, leave.signal), failureOf(reading)]);
    // What a stop reports may come after the last container has ended.
    await interrupts.settled();
  } finally {
    leave.abort();
    interrupts.close();
    reader.finish();
    await reading;
  }
  return interrupts.count > 0 ? EXIT.interrupted : EXIT.done;
}

async function containersOf(context: Context, { stack, services }: UpResult): Promise<readonly ContainerSummary[]> {
  try {
    return await context.client.post('/v1/containers', { selector: { stack }, services });
  } catch (error) {
    // Somebody has taken the stack down.
    if (error instanceof TsstackError && error.code === 'not-found') return [];
    throw error;
  }
}

/** Rejects when `promise` does; never resolves. */
function failureOf(promise: Promise<void>): Promise<never> {
  return promise.then(() => new Promise<never>(() => {}));
}

async function untilAllEnded(context: Context, up: UpResult, signal: AbortSignal): Promise<void> {
  const allEnded = async (): Promise<boolean> => {
    const containers = await containersOf(context, up);
    return containers.every(({ status }) => status === 'exited' || status === 'created');
  };
  while (!signal.aborted) {
    const sinceMs = Date.now();
    if (await allEnded()) return;
    for await (const event of context.client.events(up.stack, sinceMs, signal)) {
      if (event.event === 'exit' || event.event === 'oom') context.err.write(`${endText(event)}\n`);
      if ((event.event === 'exit' || event.event === 'remove') && (await allEnded())) return;
    }
    // The daemon has ended: the next question starts one that knows. One that ends again and again is not asked busily.
    if (!signal.aborted) await wait(100);
  }
}

function endText({ address, event, exitCode }: ContainerEvent): string {
  const match = /^service\.(.+)\[(\d+)\]$/.exec(address);
  const label = match === null ? address : labelOf({ service: match[1] ?? '', index: Number(match[2]) });
  return event === 'oom' ? `${label} ran out of memory` : `${label} exited with code ${exitCode ?? '?'}`;
}

/** What Ctrl-C means while output is shown. */
class Interrupts {
  readonly #context: Context;
  readonly #up: UpResult;
  readonly #onLeave: () => void;
  readonly #stops: Promise<void>[] = [];
  count = 0;

  constructor(context: Context, up: UpResult, onLeave: () => void) {
    this.#context = context;
    this.#up = up;
    this.#onLeave = onLeave;
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
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
    this.#stops.push(this.#stop(this.count === 1 ? undefined : 0));
  };

  async #stop(timeoutMs: number | undefined): Promise<void> {
    const view = new PlainProgress(this.#context.err);
    const { stack, services } = this.#up;
    const body = { selector: { stack }, services, requestId: uniqueName(), ...(timeoutMs === 0 && { timeoutMs }) };
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
