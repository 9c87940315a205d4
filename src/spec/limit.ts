import type { Problem } from './diagnose.ts';

/** A file holds more than is worked on: nothing more is read of it. */
export class Limit extends Error {
  override readonly name = 'Limit';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}
