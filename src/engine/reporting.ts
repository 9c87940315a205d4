import type { ProgressEvent } from '../model/event.ts';

/** How a request that takes a while is told of and cancelled. */
export interface Reporting {
  readonly signal: AbortSignal;
  readonly progress: (event: ProgressEvent) => void;
  /** `--dry-run`: the plan is reported, and nothing is done. */
  readonly dryRun?: boolean;
}
