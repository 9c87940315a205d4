import type { ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';

export interface UpOptions {
  /** Only these services and their dependencies; empty: all. */
  readonly services: readonly string[];
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
  /** Keys of `images` for a source; the planner doesn't know how images are named. */
  readonly imageKey: (source: Stack['services'][string]['source']) => string;
}

/** What makes `observed` match `stack`. Pure: same input, same plan. */
export function planUp(_stack: Stack, _observed: ObservedState, _options: UpOptions): Plan {
  throw new Error('not written yet');
}

export interface DownOptions {
  readonly removeVolumes: boolean;
  /** Absent: each service's own grace period. */
  readonly timeoutMs?: number;
}

/** What removes everything of a stack, dependents first. Needs no stack file: the records know the dependencies. */
export function planDown(_stack: string, _observed: ObservedState, _options: DownOptions): Plan {
  throw new Error('not written yet');
}

/** Stop the containers of some services (empty: all), dependents first. */
export function planStop(
  _stack: string,
  _observed: ObservedState,
  _services: readonly string[],
  _timeoutMs?: number,
): Plan {
  throw new Error('not written yet');
}

/** Start stopped containers as they were made, dependencies first. */
export function planStart(_stack: string, _observed: ObservedState, _services: readonly string[]): Plan {
  throw new Error('not written yet');
}
