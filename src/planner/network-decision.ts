import type { ContainerSpec, NetworkSpec } from '../model/container.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { subnetsOverlap } from '../network/ipam.ts';
import type { Findings } from './findings.ts';

export interface NetworkDecision {
  readonly action: 'create' | 'replace' | 'update' | 'keep';
  /** As it will be; of an external network as it is. */
  readonly spec: NetworkSpec;
  /** As its owner made it, where that has it by another key. */
  readonly owned?: NetworkSpec;
  /** As it is. */
  readonly before?: NetworkSpec;
  readonly cause: string;
  readonly fields: readonly FieldChange[];
}

export interface NetworkPlan {
  /** Networks that the planned containers use, or all, by key, sorted. */
  readonly decisions: ReadonlyMap<string, NetworkDecision>;
  readonly removals: readonly NetworkSpec[];
  /** Networks that must be empty before the plan can go on, with the reason: containers on them can't stay. */
  readonly vacated: ReadonlyMap<string, string>;
}

export interface NetworkRequest {
  readonly stack: Stack;
  readonly observed: ObservedState;
  /** Containers that will be there. */
  readonly containers: readonly ContainerSpec[];
  /** Containers of the stack that stay as they are, whatever the file says. */
  readonly bystanders: readonly ObservedContainer[];
  /** Make what no container uses, too. */
  readonly unused: boolean;
  /** Remove what is no longer declared. */
  readonly complete: boolean;
  readonly findings: Findings;
}

/** Whether any subnet of one network overlaps any of the other. */
export function networksOverlap(left: NetworkSpec, right: NetworkSpec): boolean {
  return subnetsOf(left).some((subnet) => subnetsOf(right).some((other) => subnetsOverlap(subnet, other)));
}

export function subnetsOf(spec: NetworkSpec): readonly string[] {
  return [spec.subnet4, spec.subnet6].flatMap((subnet) => subnet ?? []);
}
