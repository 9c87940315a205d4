import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerSummary, UpResult } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';
import { labelOf } from './log-output.ts';

/** The containers of the services that an `up` was about; none when the stack has been taken down since. */
export async function containersOf(
  context: Context,
  { stack, services }: UpResult,
): Promise<readonly ContainerSummary[]> {
  try {
    return await context.client.post('/v1/containers', { selector: { stack }, services });
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'not-found') return [];
    throw error;
  }
}

interface UntilEnded {
  readonly signal: AbortSignal;
  /** Told of every container that has ended for good, in the order of their ends. */
  readonly onEnd: (container: ContainerSummary) => void;
}

/** Resolves when no container runs or will run again, or at the signal. Says of each how it ended. */
export async function untilAllEnded(context: Context, up: UpResult, { signal, onEnd }: UntilEnded): Promise<void> {
  const announced = new Set<string>();
  const told = new Set<string>();
  const announce = (label: string, text: string): void => {
    announced.add(label);
    context.err.write(`${label} ${text}\n`);
  };
  const allEnded = async (): Promise<boolean> => {
    const containers = await containersOf(context, up);
    const ended = containers.filter(({ status }) => status === 'exited').sort(byEnd);
    const all = containers.every(({ status }) => status === 'exited' || status === 'created');
    for (const container of ended) {
      const label = labelOf(container);
      // Of some, the end came before anybody listened.
      if (all && !announced.has(label)) announce(label, endText(container.exitCode));
      if (!told.has(label)) onEnd(container);
      told.add(label);
    }
    return all;
  };
  while (!signal.aborted) {
    const sinceMs = Date.now();
    if (await allEnded()) return;
    for await (const { event, address, exitCode } of context.client.events(up.stack, sinceMs, signal)) {
      if (event === 'oom') announce(labelOfAddress(address), 'ran out of memory');
      if (event === 'exit') announce(labelOfAddress(address), endText(exitCode));
      if ((event === 'exit' || event === 'remove') && (await allEnded())) return;
    }
    // The daemon has ended: the next question starts one that knows. One that ends again and again is not asked busily.
    if (!signal.aborted) await wait(100);
  }
}

function byEnd(left: ContainerSummary, right: ContainerSummary): number {
  return (left.finishedAtMs ?? 0) - (right.finishedAtMs ?? 0);
}

function labelOfAddress(address: string): string {
  const match = /^service\.(.+)\[(\d+)\]$/.exec(address);
  return match === null ? address : labelOf({ service: match[1] ?? '', index: Number(match[2]) });
}

function endText(exitCode: number | undefined): string {
  return `exited with code ${exitCode ?? '?'}`;
}
