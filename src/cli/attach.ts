import { statSync } from 'node:fs';
import type { UpResult } from '../daemon/api.ts';
import { LogReader } from '../log/log-reader.ts';
import type { ProgressEvent } from '../model/event.ts';
import { containerPaths, type Paths } from '../store/paths.ts';
import { type Context, EXIT } from './command.ts';
import { Ends } from './ends.ts';
import { Interrupts } from './interrupts.ts';
import { labelled, writeStandardOutput } from './log-output.ts';
import { PLAIN } from './style.ts';
import { containersOf, untilAllEnded } from './until-ended.ts';

/** Where the output begins that an `up` is about. */
export interface LogStarts {
  /** Must see the plan before its first step is done. */
  readonly see: (event: ProgressEvent) => void;
  /** Offset in a log file; what a container wrote before this `up` is left out. */
  readonly of: (logPath: string) => number;
}

/** Remembers how long the logs of the containers are that a plan will start, but for those that it will make. */
export function logStarts(paths: Paths): LogStarts {
  const offsets = new Map<string, number>();
  return {
    see: (event) => {
      if (event.type !== 'plan') return;
      for (const step of event.plan.steps) {
        if (step.type !== 'start-container' && step.type !== 'create-container') continue;
        const { log } = containerPaths(paths, step.spec.key);
        // What is made anew begins a log of its own, which may soon be as long as the old one.
        offsets.set(log, step.type === 'create-container' ? 0 : (offsets.get(log) ?? sizeOf(log)));
      }
    },
    of: (logPath) => offsets.get(logPath) ?? sizeOf(logPath),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** What is shown of an `up`, and what ends it. */
export interface Following {
  readonly starts: LogStarts;
  /** Services whose output is shown. */
  readonly shown: readonly string[];
  /** Everything is stopped when a container has ended, or has failed. */
  readonly abortOn: 'exit' | 'failure' | undefined;
  /** Service whose status is ours. */
  readonly exitCodeFrom: string | undefined;
  readonly timestamps: boolean;
  readonly prefixed: boolean;
  readonly coloured: boolean;
  /** Time to stop; absent: each service's own. */
  readonly timeoutMs: number | undefined;
}

/**
 * Shows the output of a stack's services until all have ended. The first Ctrl-C stops them in order, the second kills
 * them, the third leaves. Gives the exit status.
 */
export async function attach(context: Context, up: UpResult, following: Following): Promise<number> {
  const reader = await openOutput(context, up, following);
  const reading = reader.run();
  const leave = new AbortController();
  const interrupts = new Interrupts(context, up, { onLeave: () => leave.abort(), timeoutMs: following.timeoutMs });
  const ends = new Ends(following, up.jobs, () => interrupts.abort());
  try {
    const ended = untilAllEnded(context, up, { signal: leave.signal, onEnd: (container) => ends.add(container) });
    await Promise.race([ended, failureOf(reading)]);
    // What a stop reports may come after the last container has ended.
    await interrupts.settled();
  } finally {
    leave.abort();
    interrupts.close();
    reader.finish();
    await reading;
  }
  return interrupts.count > 0 ? EXIT.interrupted : (ends.status ?? EXIT.done);
}

async function openOutput(context: Context, up: UpResult, following: Following): Promise<LogReader> {
  const { starts, shown, timestamps, prefixed, coloured } = following;
  const containers = (await containersOf(context, up)).filter(({ service }) => shown.includes(service));
  const sources = labelled(containers, coloured ? context.out.style : PLAIN).map(
    ({ container: { logPath }, prefix }) => ({
      path: logPath,
      prefix: prefixed ? prefix : '',
      from: starts.of(logPath),
    }),
  );
  return new LogReader(sources, { follow: true, timestamps }, writeStandardOutput);
}

/** Rejects when `promise` does; never resolves. */
function failureOf(promise: Promise<void>): Promise<never> {
  return promise.then(() => new Promise<never>(() => {}));
}
