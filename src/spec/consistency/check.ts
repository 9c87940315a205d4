import type { Context } from '../canonical/context.ts';
import { checkClashes } from './clashes.ts';
import { checkCycles } from './cycles.ts';
import type { CheckInput } from './input.ts';
import { checkNetworks } from './networks.ts';
import { checkExclusive, checkReferences } from './references.ts';
import { checkResources } from './resources.ts';
import { checkValues } from './values.ts';

/** Everything that a schema cannot see: names that must exist, cycles, clashes, values without a meaning. */
export function checkConsistency(input: CheckInput, context: Context): void {
  checkReferences(input, context);
  checkExclusive(input, context);
  checkCycles(input, context);
  checkValues(input, context);
  checkClashes(input, context);
  checkNetworks(input, context);
  checkResources(input, context);
}
