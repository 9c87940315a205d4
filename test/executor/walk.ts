import { type ExecuteOptions, execute } from '../../src/executor/execute.ts';
import type { ProgressEvent } from '../../src/model/event.ts';
import type { Step } from '../../src/model/plan.ts';
import type { FakeMachine } from '../helpers/fake-machine.ts';
import { plan } from '../helpers/steps.ts';

type Options = Partial<Omit<ExecuteOptions, 'progress'>>;

/** Executes a plan of these steps: its error, what was told on the way, and of which steps it told something. */
export async function walk(machine: FakeMachine, steps: readonly Step[], options: Options = {}) {
  const events: ProgressEvent[] = [];
  const error = await execute(plan(steps), machine.context, {
    signal: new AbortController().signal,
    concurrency: 8,
    onFailure: 'undo',
    progress: (event) => events.push(event),
    ...options,
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const ids = (type: 'step-started' | 'step-done' | 'step-failed') =>
    events.flatMap((event) => (event.type === type ? [event.step] : []));
  return { error, events, ids };
}
