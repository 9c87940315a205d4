import { type Address, containerAddress, replicaName } from '../model/address.ts';
import type { ContainerSpec, Endpoint, PublishedPort } from '../model/container.ts';
import type { ObservedContainer, Repair } from '../model/observed.ts';
import type { FieldChange, StepId } from '../model/plan.ts';
import type { NetworkAttachment } from '../model/stack.ts';
import type { UpdatePolicy } from '../model/update.ts';
import { stepId } from './step-id.ts';

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
  /** What it is to be on instead of what its spec says: see `attachmentsOf()`. */
  attachments?: Readonly<Record<string, Attachment>>;
  endpoints: readonly Endpoint[];
  ports: readonly PublishedPort[];
  /** Why it is to be started; absent: it is left as it is. Created and replaced ones are started anyway. */
  startCause?: string;
  /** It is made at most, and not started (`up --no-start`). */
  unstarted?: true;
  /** Replaced with the new container started before the old one stops. */
  startFirst?: true;
  /** Replaced as its service's `update_config` says. */
  rollout?: Rollout;
  /** Signals that tell its process of changed files. */
  signals: readonly string[];
  /** Stop it before, start it after: a dependency goes, or a file changed that it reads when it starts. */
  restart: boolean;
}

/** A network that a container is to be on. */
export interface Attachment extends NetworkAttachment {
  /** It was connected by `network connect`. */
  readonly byHand?: true;
}

/** What a container is to be on, by network key. */
export function attachmentsOf({
  attachments,
  spec,
}: Pick<Draft, 'attachments' | 'spec'>): Readonly<Record<string, Attachment>> {
  return attachments ?? spec.networks;
}

/** How one replaced replica takes part in the rolling update of its service. */
export interface Rollout {
  readonly policy: UpdatePolicy;
  /** The step before its batch; absent: it is of the first. */
  readonly after?: StepId;
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

/** Names the replica, whatever the slot of its container: `web.1`. */
export function observedKey({ key }: ContainerSpec): string {
  return replicaName({ service: key.service, index: key.index });
}

/** Id of a step that ends a container; one that is left over beside its replica has steps of its own. */
export function endId(verb: 'stop' | 'remove', { spec, role }: ObservedContainer): StepId {
  return `${stepId(verb, addressOf(spec))}${role === undefined ? '' : ` (${role})`}`;
}

/** Whether it is there and no program ran in it yet. */
export function isFresh(container: ObservedContainer | undefined): boolean {
  return container === undefined || container.status === 'created';
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
