import { type Address, containerAddress, replicaName } from '../model/address.ts';
import type { ContainerSpec, Endpoint, PublishedPort } from '../model/container.ts';
import type { ObservedContainer, Repair } from '../model/observed.ts';
import type { FieldChange } from '../model/plan.ts';

/** What is being decided about one container that will be there. The parts of the planner fill it in, one after the other. */
export interface Draft {
  spec: ContainerSpec;
  readonly observed?: ObservedContainer;
  /** It stays as it was made (`up --no-recreate`): its addresses and ports, too. */
  readonly kept?: true;
  action: 'create' | 'replace' | 'update' | 'keep';
  readonly causes: string[];
  readonly fields: FieldChange[];
  readonly repair: Repair[];
  endpoints: readonly Endpoint[];
  ports: readonly PublishedPort[];
  /** Why it is to be started; absent: it is left as it is. Created and replaced ones are started anyway. */
  startCause?: string;
  /** It is made at most, and not started (`up --no-start`). */
  unstarted?: true;
  /** Signals that tell its process of changed files. */
  signals: readonly string[];
  /** Stop it before, start it after: a dependency goes, or a file changed that it reads when it starts. */
  restart: boolean;
}

/** A container that goes away. */
export interface Removal {
  readonly observed: ObservedContainer;
  readonly cause: string;
}

export function addressOf(spec: ContainerSpec): Address {
  return containerAddress(spec.key.service, spec.key.index);
}

/** By service name, then by number. */
export function compareSpecs(left: ContainerSpec, right: ContainerSpec): number {
  if (left.key.service !== right.key.service) return left.key.service < right.key.service ? -1 : 1;
  return left.key.index - right.key.index;
}

export function observedKey(spec: ContainerSpec): string {
  return replicaName(spec.key);
}

/** Whether it has processes that must be stopped before it can be removed. */
export function isUp(container: ObservedContainer): boolean {
  return container.status === 'running' || container.status === 'paused' || container.status === 'restarting';
}

/** Turns the draft into a replacement; the first cause given stays the first. */
export function replaceDraft(draft: Draft, cause: string): void {
  if (draft.action === 'create') return;
  draft.action = 'replace';
  if (!draft.causes.includes(cause)) draft.causes.push(cause);
}

export function updateDraft(draft: Draft, cause: string): void {
  if (draft.action === 'create') return;
  if (draft.action === 'keep') draft.action = 'update';
  if (!draft.causes.includes(cause)) draft.causes.push(cause);
}
