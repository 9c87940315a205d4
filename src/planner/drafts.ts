import { containerAddress } from '../model/address.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { SharedNamespace } from '../model/limits.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import { preStartReplica } from '../model/pre-start.ts';
import { NAMESPACE_WORDS, type NamespaceKind, type Sharing, sharedNamespaces } from '../model/sharing.ts';
import type { Stack } from '../model/stack.ts';
import type { Role } from '../model/update.ts';
import { diffContainer, forcesReplacement } from './diff.ts';
import { compareSpecs, type Draft, isUp, observedKey, type Removal, replaceDraft, updateDraft } from './draft.ts';
import type { Findings } from './findings.ts';
import { reactionTo } from './on-change.ts';
import type { Scope } from './scope.ts';
import { changeCause, withFiles } from './sources.ts';

/** Every container, sorted into what happens to it. */
export interface Sorted {
  readonly drafts: readonly Draft[];
  readonly removals: readonly Removal[];
  /** Containers that are left alone: of services that are out of scope or switched off, and orphans. */
  readonly bystanders: readonly ObservedContainer[];
  /** Names of containers whose service is no longer in the file, sorted. */
  readonly orphans: readonly string[];
}

export interface SortRequest {
  readonly stack: Stack;
  readonly scope: Scope;
  readonly specs: readonly ContainerSpec[];
  readonly observed: ObservedState;
  /** What is there stays as it was made. */
  readonly keep: boolean;
  readonly removeOrphans: boolean;
}

/** Containers that stay as they were made are wanted as they were made; what they wait for is what the file says. */
export function keepSpecs(specs: readonly ContainerSpec[], observed: ObservedState): readonly ContainerSpec[] {
  const replicas = replicasIn(observed);
  return specs.map((spec) => {
    const there = replicas.get(observedKey(spec));
    return there === undefined ? spec : { ...there.spec, dependsOn: spec.dependsOn };
  });
}

/** The container that is in service of each replica. */
function replicasIn({ containers }: ObservedState): ReadonlyMap<string, ObservedContainer> {
  const inService = Object.values(containers).filter(({ role }) => role === undefined);
  return new Map(inService.map((container) => [observedKey(container.spec), container]));
}

export function sortContainers({ stack, scope, specs, observed, keep, removeOrphans }: SortRequest): Sorted {
  const wanted = new Set(specs.map(observedKey));
  const inScope = new Map(scope.services.map((service) => [service.name, service]));
  const known = new Set([...Object.keys(stack.services), ...stack.disabledServices, ...(stack.unnamedServices ?? [])]);
  const expanded = new Set(specs.map(({ key }) => key.service));
  const removals: Removal[] = [];
  const bystanders: ObservedContainer[] = [];
  const orphans: string[] = [];
  const there = Object.values(observed.containers).sort((left, right) => compareSpecs(left.spec, right.spec));
  const replicas = replicasIn(observed);
  for (const container of there) {
    const { key, name } = container.spec;
    const service = inScope.get(key.service);
    if (service !== undefined && container.role !== undefined) {
      removals.push({ observed: container, cause: LEFT_OVER[container.role] });
      continue;
    }
    if (wanted.has(observedKey(container.spec))) continue;
    const surplus = key.index > (service?.replicas ?? 0) || expanded.has(key.service);
    if (service !== undefined && surplus) {
      removals.push({ observed: container, cause: `scaled to ${service.replicas}` });
      continue;
    }
    if (container.spec.oneOff?.preStart !== undefined) {
      removals.push({ observed: container, cause: LEFT_OVER_BY_START });
      continue;
    }
    if (container.spec.oneOff !== undefined) {
      if (removeOrphans && !isUp(container)) removals.push({ observed: container, cause: 'a one-off that has ended' });
      else bystanders.push(container);
      continue;
    }
    const orphan = !known.has(key.service);
    if (orphan) orphans.push(name);
    if (orphan && removeOrphans) removals.push({ observed: container, cause: 'no longer in the stack file' });
    else bystanders.push(container);
  }
  const drafts = [...specs].sort(compareSpecs).map((spec) => {
    const draft = newDraft(spec, replicas.get(observedKey(spec)));
    return keep && draft.observed !== undefined ? { ...draft, kept: true as const } : draft;
  });
  return { drafts, removals, bystanders, orphans: orphans.sort() };
}

/** An update that was cut short is undone until the new container has taken over, and is finished after that. */
const LEFT_OVER: Readonly<Record<Role, string>> = {
  standby: 'left by an update that was cut short before it took over',
  retired: 'left by an update that was cut short after another one took over',
};

/** Of a container of `pre_start`: whoever plans is alone with the stack, so nobody waits for it any more. */
export const LEFT_OVER_BY_START = 'left by a start that was cut short';

function newDraft(wanted: ContainerSpec, observed: ObservedContainer | undefined): Draft {
  const { slot: _, ...key } = wanted.key;
  const slot = observed?.spec.key.slot;
  const spec = { ...wanted, key: slot === undefined ? key : { ...key, slot } };
  const empty = { spec, causes: [], fields: [], repair: [], endpoints: [], ports: [], signals: [], restart: false };
  return observed === undefined
    ? { ...empty, action: 'create', causes: ['not there yet'] }
    : { ...empty, action: 'keep', observed };
}

/** What the differences of a container that is there ask for: nothing, an update, a repair, or another container. */
export function compareDraft(draft: Draft, stack: Stack, forced: boolean): void {
  const { observed, spec } = draft;
  if (observed === undefined) return;
  if (draft.kept !== true) draft.fields.push(...withFiles(stack, spec, diffContainer(observed.spec, spec)));
  if (forcesReplacement(draft.fields)) replaceDraft(draft, changeCause(draft.fields));
  else if (draft.fields.length > 0) updateDraft(draft, changeCause(draft.fields));
  if (isUp(observed) && draft.kept !== true) react(draft, observed.spec);
  for (const { kind, message: what } of observed.drift) {
    const message = `drift: ${what}`;
    if (kind === 'rootfs') replaceDraft(draft, message);
    else if (kind === 'mounts') {
      // Only the launcher makes mounts: the same container starts again.
      draft.restart = true;
      draft.startCause = [draft.startCause ?? [], message].flat().join('; ');
    } else {
      updateDraft(draft, message);
      if (!draft.repair.includes(kind)) draft.repair.push(kind);
    }
  }
  if (forced) replaceDraft(draft, 'recreation was asked for');
}

/** Lets the process know of changed files as `x-on-change` says. */
function react(draft: Draft, before: ContainerSpec): void {
  const { restart, signals } = reactionTo(before, draft.spec);
  draft.signals = signals;
  draft.restart = restart;
  if (restart) draft.startCause = 'restarted to read it';
}

/** A container that shares a namespace of a replaced one must be made again as well, and so on. */
export function replaceNamespaceSharers(drafts: readonly Draft[]): void {
  const sharers = new Map<string, { readonly sharer: Draft; readonly kind: NamespaceKind }[]>();
  for (const sharer of drafts) {
    for (const { kind, key } of namespaceOwners(sharer.spec)) {
      sharers.set(key, [...(sharers.get(key) ?? []), { sharer, kind }]);
    }
  }
  const queue = drafts.filter(isMadeAnew);
  for (let owner = queue.pop(); owner !== undefined; owner = queue.pop()) {
    const { key, name } = owner.spec;
    const own = [...(sharers.get(observedKey(owner.spec)) ?? []), ...(sharers.get(`name ${name}`) ?? [])];
    for (const { sharer, kind } of own) {
      if (isMadeAnew(sharer)) continue;
      const address = containerAddress(key.service, key.index);
      replaceDraft(sharer, `shares the ${NAMESPACE_WORDS[kind]} of ${address}, which is made anew`);
      queue.push(sharer);
    }
  }
}

/** A namespace that a container shares, and whose: a replica's key (`web.1`) or `name NAME`. */
export interface NamespaceOwner extends Sharing {
  readonly key: string;
}

export function namespaceOwners(spec: ContainerSpec): readonly NamespaceOwner[] {
  return sharedNamespaces(spec).map((sharing) => ({ ...sharing, key: ownerKey(spec, sharing.owner) }));
}

function ownerKey(spec: ContainerSpec, owner: SharedNamespace): string {
  if (owner.type === 'container') return `name ${owner.container}`;
  const replica = preStartReplica(spec);
  if (replica !== undefined && owner.service === replica.service) return observedKey({ ...spec, key: replica });
  return observedKey({ ...spec, key: { ...spec.key, service: owner.service, index: 1 } });
}

export function isMadeAnew(draft: Draft): boolean {
  return draft.action === 'create' || draft.action === 'replace';
}

/** A container name is used once on the machine. */
export function checkNames(sorted: Sorted, foreign: readonly string[], findings: Findings): void {
  const holders = new Map<string, string>(foreign.map((name) => [name, 'another stack']));
  const orphans = new Set(sorted.orphans);
  for (const { spec } of sorted.bystanders) {
    holders.set(spec.name, orphans.has(spec.name) ? 'an orphan of this stack' : `service "${spec.key.service}"`);
  }
  for (const { spec } of sorted.drafts) {
    const { service } = spec.key;
    const holder = holders.get(spec.name);
    holders.set(spec.name, `service "${service}"`);
    if (holder === undefined) continue;
    findings.conflicts.push({
      address: containerAddress(service, spec.key.index),
      message: `Cannot name a container "${spec.name}": ${holder} has one of that name`,
      hint: orphans.has(spec.name)
        ? 'Remove that container with --remove-orphans.'
        : `Set another services.${service}.container_name, or leave it out.`,
    });
  }
}
