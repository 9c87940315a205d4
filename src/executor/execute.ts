import PQueue from 'p-queue';
import { reportError, TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Plan, Step, StepId } from '../model/plan.ts';
import type { ExecutorContext } from './context.ts';
import { networksOf, refreshHosts } from './hosts.ts';
import { inverseStep } from './inverse.ts';
import { performStep, SILENT } from './perform-step.ts';
import { type FailedUpdate, RollingUpdates, replicaOf } from './rolling-updates.ts';
import { unanswered } from './unanswered.ts';

export interface ExecuteOptions {
  readonly signal: AbortSignal;
  readonly progress: (event: ProgressEvent) => void;
  /** Steps at the same time: most of a step's time is the kernel's and other processes'. */
  readonly concurrency: number;
  /**
   * What a failed step means for the others. `undo`: the rest is not begun, what was done is undone, and so it is when
   * the signal comes before the end. `stop`: the rest is not begun. `continue`: what does not depend on it and what does
   * are done all the same, and errors are collected; what depends on a stop that a hook forbids is not.
   */
  readonly onFailure: 'undo' | 'stop' | 'continue';
}

/**
 * Walks a plan's graph. Decides nothing. Throws the first error (`undo`, `stop`) or all of them (`continue`), and
 * `cancelled` when the signal came before the end. Gives the rolling updates that failed: what else the plan holds was
 * done, and what these hold up is as it was before.
 */
export async function execute(
  plan: Plan,
  context: ExecutorContext,
  options: ExecuteOptions,
): Promise<readonly FailedUpdate[]> {
  const walk = new Walk(plan, context, options);
  const networks = networksOf(context, plan.stack);
  await walk.run();
  if (walk.complete) await walk.undoHalfDone();
  if (!walk.complete && options.onFailure === 'undo') await rollBack(walk.undo, context, options);
  await refresh({ stack: plan.stack, networks }, context, options);
  if (walk.errors.length > 1 && options.onFailure === 'continue') {
    throw new AggregateError(walk.errors, 'Not everything could be done');
  }
  if (walk.errors.length > 0) throw walk.errors[0];
  if (!walk.complete) throw new TsstackError('cancelled', 'Cancelled');
  for (const { address, error } of walk.updates.tolerated) {
    options.progress({ type: 'warning', message: `${address} failed: ${reportError(error).message}` });
  }
  return walk.updates.failed;
}

/** One walk over a graph: a step begins when the steps that it depends on are done. */
class Walk {
  readonly errors: unknown[] = [];
  /** Inverse steps, last done first. */
  readonly undo: Step[] = [];
  readonly updates: RollingUpdates;
  readonly #context: ExecutorContext;
  readonly #options: ExecuteOptions;
  readonly #queue: PQueue;
  /** How many dependencies a step still waits for. */
  readonly #missing = new Map<StepId, number>();
  readonly #dependents = new Map<StepId, Step[]>();
  readonly #steps: readonly Step[];
  readonly #stop = new AbortController();
  /** Starts of which it was said what they wait for before they began. */
  readonly #told = new Set<StepId>();
  readonly #done = new Set<StepId>();

  constructor({ steps, updates = [] }: Plan, context: ExecutorContext, options: ExecuteOptions) {
    this.#steps = steps;
    this.updates = new RollingUpdates(updates);
    this.#context = context;
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
    for (const step of steps) {
      this.#missing.set(step.id, step.dependsOn.length);
      for (const dependency of step.dependsOn) {
        const dependents = this.#dependents.get(dependency);
        if (dependents === undefined) this.#dependents.set(dependency, [step]);
        else dependents.push(step);
      }
    }
  }

  /** Every step was done but those that a failed rolling update holds up. */
  get complete(): boolean {
    if (this.#done.size === this.#steps.length) return true;
    return this.updates.any && this.errors.length === 0 && !this.#stop.signal.aborted;
  }

  /** What other services had begun and could not end, since they waited for an update that failed. */
  async undoHalfDone(): Promise<void> {
    const open = this.#steps.filter((step) => step.update === undefined && !this.#done.has(step.id));
    for (const step of open) await this.#undoAt(replicaOf(step));
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const abort = (): void => this.#stop.abort();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    for (const step of this.#steps) {
      if (step.dependsOn.length === 0) this.#schedule(step);
    }
    await this.#queue.onIdle();
    signal.removeEventListener('abort', abort);
  }

  #schedule(step: Step): void {
    void this.#queue.add(async () => {
      if (this.#stop.signal.aborted) return;
      if (step.type === 'next-batch' && this.updates.halted(step.update)) return;
      if (this.updates.skips(step)) return this.#releaseFailed(step);
      try {
        await this.#perform(step);
      } catch (error) {
        if (step.update !== undefined && !this.#stop.signal.aborted) return this.#replicaFailed(step, error);
        this.#failed(step, error);
        if (this.#options.onFailure !== 'continue' || leavesRunning(error)) return;
      }
      this.#release(step);
    });
  }

  async #perform(step: Step): Promise<void> {
    const { progress } = this.#options;
    const { address, id, type } = step;
    const { records } = this.#context;
    const before = {
      container: 'spec' in step ? records.container(step.spec.key) : undefined,
      networkKnown: step.type === 'create-network' && records.networks.get(step.network.name) !== undefined,
    };
    const started = performance.now();
    progress({ type: 'step-started', step: id, stepType: type, address });
    const inverse = inverseStep(step, before);
    // Also a step that fails half-way is undone: each inverse succeeds when there is nothing to undo.
    if (inverse !== undefined) this.undo.unshift(inverse);
    await performStep(step, this.#context, {
      signal: this.#stop.signal,
      waiting: (what) => this.#waits(step, what),
      warn: (message) => progress({ type: 'warning', message }),
      idle: (work) => this.#idle(work),
    });
    this.#done.add(step.id);
    progress({ type: 'step-done', step: id, durationMs: performance.now() - started });
  }

  /** Tells what a step waits for, and what the starts wait for that must come after it. */
  #waits(step: Step, what: string): void {
    this.#options.progress({ type: 'step-waiting', step: step.id, for: what });
    if (step.type !== 'start-container') return;
    for (const dependent of this.#dependents.get(step.id) ?? []) {
      if (dependent.type !== 'start-container' || this.#told.has(dependent.id)) continue;
      this.#told.add(dependent.id);
      this.#waits(dependent, `${serviceOf(step)} to start`);
    }
  }

  /** A step that waits (up to a grace period, or for another service) keeps none of the others waiting. */
  async #idle<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#queue.concurrency += 1;
    try {
      return await work();
    } finally {
      this.#queue.concurrency -= 1;
    }
  }

  /** A replica that starts before its predecessor stops leaves that one in place; another one stays as it is. */
  async #replicaFailed(step: Step, error: unknown): Promise<void> {
    this.#options.progress({ type: 'step-failed', step: step.id, error: reportError(error) });
    const update = this.updates.add(step, error);
    if (update?.policy.order === 'start-first') await this.#undoAt(replicaOf(step));
    this.#releaseFailed(step);
  }

  async #undoAt(address: Step['address']): Promise<void> {
    const own = this.undo.filter((step) => replicaOf(step) === address);
    this.undo.splice(0, Infinity, ...this.undo.filter((step) => replicaOf(step) !== address));
    await undoSteps(own, this.#context, this.#options);
  }

  #releaseFailed(step: Step): void {
    this.#release(step, (dependent) => this.updates.releases(step, dependent));
  }

  #failed(step: Step, error: unknown): void {
    // What was merely interrupted, by the first failure or by the signal, is not a failure of its own.
    if (this.#stop.signal.aborted && isInterruption(error)) return;
    this.errors.push(error);
    this.#options.progress({ type: 'step-failed', step: step.id, error: reportError(error) });
    if (this.#options.onFailure !== 'continue') this.#stop.abort();
  }

  #release(step: Step, which: (dependent: Step) => boolean = () => true): void {
    for (const dependent of (this.#dependents.get(step.id) ?? []).filter(which)) {
      const missing = (this.#missing.get(dependent.id) ?? 0) - 1;
      this.#missing.set(dependent.id, missing);
      if (missing === 0) this.#schedule(dependent);
    }
  }
}

/** A container that could not be stopped for its hook runs on, with everything that it needs. */
function leavesRunning(error: unknown): boolean {
  return error instanceof TsstackError && error.code === 'hook-failed';
}

function serviceOf(step: Step): string {
  return 'spec' in step ? step.spec.key.service : step.address;
}

/** What a wait or a command throws when its signal comes. */
function isInterruption(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'cancelled'));
}

/** Names that can't be written are no reason to undo what runs, nor may they hide why something failed. */
async function refresh(
  { stack, networks }: { readonly stack: string; readonly networks: readonly string[] },
  context: ExecutorContext,
  options: ExecuteOptions,
): Promise<void> {
  try {
    await Promise.all([context.host.perform(refreshHosts(context, stack, networks)), context.serving?.update()]);
    for (const message of await unanswered(context)) options.progress({ type: 'warning', message });
  } catch (error) {
    options.progress({ type: 'warning', message: `Not every hosts file is up to date: ${reportError(error).message}` });
  }
}

async function rollBack(steps: readonly Step[], context: ExecutorContext, options: ExecuteOptions): Promise<void> {
  options.progress({ type: 'rolling-back', steps: steps.length });
  await undoSteps(steps, context, options);
}

/** Each is tried, whatever becomes of the others. */
async function undoSteps(steps: readonly Step[], context: ExecutorContext, options: ExecuteOptions): Promise<void> {
  const never = new AbortController().signal;
  for (const step of steps) {
    // Its stop failed before anything was done to it.
    if (step.type === 'start-container' && context.control.runs(step.spec.key)) continue;
    try {
      await performStep(step, context, { ...SILENT, signal: never });
    } catch (error) {
      options.progress({ type: 'warning', message: `Could not undo ${step.address}: ${reportError(error).message}` });
    }
  }
}
