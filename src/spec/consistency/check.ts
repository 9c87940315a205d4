import type { Context } from '../canonical/context.ts';
import type { Dict } from '../node.ts';

export interface CheckInput {
  readonly model: Dict;
  /** Services of all profiles. */
  readonly all: Dict;
  readonly enabled: Dict;
}

/** Everything that a schema cannot see: names that must exist, cycles, clashes. */
export function checkConsistency(_input: CheckInput, _context: Context): void {}
