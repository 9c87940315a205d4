import type { Conflict } from '../model/plan.ts';

/** Where the parts of one planning run put what they find; all of it is reported at once. */
export interface Findings {
  readonly conflicts: Conflict[];
  readonly warnings: string[];
}
