import type { ContainerSpec } from '../model/container.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import { sharedNamespaces } from '../model/sharing.ts';
import type { Service, Stack } from '../model/stack.ts';
import { diffContainer, forcesReplacement } from './diff.ts';

interface Present {
  readonly stack: Stack;
  readonly observed: ObservedState;
  /** Replicas of the service that are there. */
  readonly present: readonly ObservedContainer[];
}

/**
 * The numbers of a service's replicas, sorted: 1, 2, … Where more are there than wanted, those that are as the file
 * says stay rather than those that would have to be replaced, and of these the lowest; gaps are filled first. `specOf`
 * gives what the replica of a number is to be.
 */
export function replicaNumbers(
  { name, replicas }: Service,
  { stack, observed, present }: Present,
  specOf: (number: number) => ContainerSpec,
): readonly number[] {
  const first = Array.from({ length: replicas }, (_, offset) => offset + 1);
  if (present.every(({ spec }) => spec.key.index <= replicas) || lendsNamespaces(name, stack, observed)) return first;
  const ranked = present
    .map(({ spec }) => ({
      number: spec.key.index,
      stale: forcesReplacement(diffContainer(spec, specOf(spec.key.index))),
    }))
    .toSorted((left, right) => Number(left.stale) - Number(right.stale) || left.number - right.number);
  const kept = ranked.slice(0, replicas).map(({ number }) => number);
  const free = first.filter((number) => !kept.includes(number)).slice(0, replicas - kept.length);
  return [...kept, ...free].toSorted((left, right) => left - right);
}

/** Who shares a namespace of it shares that of its first replica, which must be there then. */
function lendsNamespaces(name: string, stack: Stack, observed: ObservedState): boolean {
  const modes = [...Object.values(stack.services), ...Object.values(observed.containers).map(({ spec }) => spec)];
  return modes.some((each) =>
    sharedNamespaces(each).some(({ owner }) => owner.type === 'service' && owner.service === name),
  );
}
