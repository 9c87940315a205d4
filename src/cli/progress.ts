import type { ErrorReport } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Plan, StepType } from '../model/plan.ts';

/** Shows how a request comes along. */
export interface ProgressView {
  show(event: ProgressEvent): void;
  /** A remark between the lines: `Cancelling…`. */
  note(message: string): void;
  /** Nothing is drawn any more when this resolves. */
  close(): Promise<void>;
}

/** What a type of step is called while it runs and when it is done. */
const STEP_WORDS: Readonly<Record<StepType, { readonly doing: string; readonly done: string }>> = {
  'unpack-image': { doing: 'unpacking', done: 'unpacked' },
  'create-network': { doing: 'creating', done: 'created' },
  'remove-network': { doing: 'removing', done: 'removed' },
  'create-volume': { doing: 'creating', done: 'created' },
  'remove-volume': { doing: 'removing', done: 'removed' },
  'create-container': { doing: 'creating', done: 'created' },
  'update-container': { doing: 'updating', done: 'updated' },
  'start-container': { doing: 'starting', done: 'started' },
  'watch-container': { doing: 'watching', done: 'ready' },
  'switch-container': { doing: 'taking over', done: 'took over' },
  'await-container': { doing: 'running', done: 'completed' },
  'drain-container': { doing: 'draining', done: 'drained' },
  'next-batch': { doing: 'waiting for the next batch', done: 'next batch' },
  'stop-container': { doing: 'stopping', done: 'stopped' },
  'remove-container': { doing: 'removing', done: 'removed' },
};

/** One thing that changed on a resource's line. */
export interface ResourceProgress {
  readonly address: string;
  /** `starting`, `waits for db to be healthy`, `started`. */
  readonly text: string;
  readonly state: 'running' | 'step-done' | 'done' | 'failed';
  /** Since the step began, when it is done. */
  readonly durationMs?: number;
}

/** Follows a plan's steps and says what each event means for the resource that it is about. */
export class ProgressTracker {
  readonly #steps = new Map<string, { readonly address: string; readonly type: StepType }>();
  readonly #open = new Map<string, number>();

  /** Resources with steps, in plan order. */
  addPlan(plan: Plan): readonly string[] {
    for (const { id, address, type } of plan.steps) {
      this.#steps.set(id, { address, type });
      this.#open.set(address, (this.#open.get(address) ?? 0) + 1);
    }
    return [...this.#open.keys()];
  }

  /** undefined for an event that is not about one resource. */
  follow(event: ProgressEvent): ResourceProgress | undefined {
    if (!('step' in event)) return undefined;
    const step = this.#steps.get(event.step) ?? started(event);
    if (step === undefined) return undefined;
    this.#steps.set(event.step, step);
    const { address, type } = step;
    switch (event.type) {
      case 'step-started':
        return { address, text: STEP_WORDS[type].doing, state: 'running' };
      case 'step-waiting':
        return { address, text: `waits for ${event.for}`, state: 'running' };
      case 'step-failed':
        return { address, text: `${STEP_WORDS[type].doing} failed: ${firstLine(event.error)}`, state: 'failed' };
      case 'step-done': {
        const left = (this.#open.get(address) ?? 1) - 1;
        this.#open.set(address, left);
        const state = left > 0 ? 'step-done' : 'done';
        return { address, text: STEP_WORDS[type].done, state, durationMs: event.durationMs };
      }
    }
  }
}

function started(event: ProgressEvent): { address: string; type: StepType } | undefined {
  return event.type === 'step-started' ? { address: event.address, type: event.stepType } : undefined;
}

function firstLine(error: ErrorReport): string {
  return error.message.split('\n', 1)[0] ?? '';
}
