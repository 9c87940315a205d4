import type { Position } from '../../model/diagnostic.ts';
import { TsstackError } from '../../model/error.ts';
import type { StageState } from './state.ts';

interface FailedRun {
  /** The instruction. */
  readonly run: string;
  readonly position: Position;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The last that it wrote, and the lines of the Dockerfile around it. */
  readonly details: readonly string[];
  /** The stage with what the program has changed until it failed; absent: not asked for. */
  readonly state?: StageState;
  readonly env: ReadonlyMap<string, string>;
}

/** The program of a RUN has not ended with status 0. */
export class FailedRunError extends TsstackError {
  readonly failed: FailedRun;

  constructor(failed: FailedRun) {
    const { run, position, exitCode, oomKilled, details } = failed;
    const how = oomKilled ? 'ran out of memory' : `ended with exit status ${exitCode}`;
    super('build-failed', `${position.file}:${position.line}: ${run} ${how}`, { details });
    this.failed = failed;
  }
}
