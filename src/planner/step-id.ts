import type { Address } from '../model/address.ts';
import type { StepId } from '../model/plan.ts';

export function stepId(verb: string, address: Address): StepId {
  return `${verb} ${address}`;
}
