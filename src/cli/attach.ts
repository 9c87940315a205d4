import { statSync } from 'node:fs';
import type { UpResult } from '../daemon/api.ts';
import { LogReader } from '../log/log-reader.ts';
import type { ProgressEvent } from '../model/event.ts';
import { containerPaths, type Paths } from '../store/paths.ts';
import { type Context, EXIT } from './command.ts';
import { Interrupts } from './interrupts.ts';
import { labelled, writeStandardOutput } from './log-output.ts';
import { containersOf, untilAllEnded } from './until-ended.ts';

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

/** Rejects when `promise` does; never resolves. */
function failureOf(promise: Promise<void>): Promise<never> {
  return promise.then(() => new Promise<never>(() => {}));
}
