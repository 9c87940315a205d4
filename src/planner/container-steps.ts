import { imageAddress, networkAddress } from '../model/address.ts';
import { type ContainerSpec, mountedImages } from '../model/container.ts';
import type { Step, StepId } from '../model/plan.ts';
import type { ImageSource } from '../model/stack.ts';
import { dependenciesOf, dependencyGraph } from './dependencies.ts';
import { addressOf, type Draft, endId, isFresh, isUp, observedKey, type Removal } from './draft.ts';
import { isMadeAnew, namespaceOwners } from './drafts.ts';
import type { Handover } from './handover.ts';
import { anchors } from './order.ts';
import { withPreStart } from './pre-start-steps.ts';
import { readyId } from './rollout.ts';
import { stepId } from './step-id.ts';
import { type Replicas, replicasOf, waitsOf } from './wait-for.ts';

export interface ContainerDecisions {
  readonly drafts: readonly Draft[];
  readonly removals: readonly Removal[];
  readonly handover: Handover;
  /** By name of a volume that is created: the step. */
  readonly volumes: ReadonlyMap<string, StepId>;
  readonly imageKey: (source: ImageSource) => string;
}

/** Steps that create, update and start containers. Those named in `dependsOn` that aren't in the plan are dropped later. */
export function containerSteps(decisions: ContainerDecisions): readonly Step[] {
  const changed = decisions.drafts.filter((draft) => draft.action !== 'keep' || starts(draft));
  if (changed.length === 0) return [];
  const prepare = preparation(decisions);
  const start = starting(decisions.drafts, decisions.imageKey);
  return [...changed.flatMap(prepare), ...withPreStart(changed.filter(starts).map(start), preStartOf(decisions))];
}

function preStartOf({ drafts, imageKey }: ContainerDecisions): Parameters<typeof withPreStart>[1] {
  const fresh = new Set(drafts.filter((draft) => isMadeAnew(draft) || isFresh(draft.observed)).map(({ spec }) => spec));
  const running = drafts.filter(
    (draft) => !isMadeAnew(draft) && !draft.restart && draft.observed !== undefined && isUp(draft.observed),
  );
  return {
    isFresh: (spec) => fresh.has(spec),
    running: new Set(running.map(({ spec }) => spec.key.service)),
    unpacked: (source) => unpackId(imageKey(source)),
  };
}

/** Ids of the steps that unpack what a container is made from and what it mounts. */
export function unpackIds(spec: ContainerSpec, imageKey: (source: ImageSource) => string): readonly StepId[] {
  return [spec.image, ...mountedImages(spec)].map(({ source }) => unpackId(imageKey(source)));
}

/** Id of the step that unpacks an image. */
export function unpackId(imageKey: string): StepId {
  return stepId('unpack', imageAddress(imageKey));
}

/** Whether the container is started by this plan. */
export function starts(draft: Draft): boolean {
  return draft.unstarted !== true && (isMadeAnew(draft) || draft.startCause !== undefined);
}

export function causeOf(draft: Draft): string {
  return [...draft.causes, ...(isMadeAnew(draft) ? [] : [draft.startCause ?? []].flat())].join('; ');
}

/** By container: the step by which it lets go of its addresses, host ports and name. */
function releases({ drafts, removals }: ContainerDecisions): ReadonlyMap<string, StepId> {
  const steps = new Map<string, StepId>();
  for (const { observed } of removals) steps.set(observedKey(observed.spec), endId('remove', observed));
  for (const { spec, action } of drafts) {
    if (action === 'replace') steps.set(observedKey(spec), stepId('remove', addressOf(spec)));
    if (action === 'update') steps.set(observedKey(spec), stepId('update', addressOf(spec)));
  }
  return steps;
}

/** Makes the step that creates a container or updates it in place. */
function preparation(decisions: ContainerDecisions): (draft: Draft) => readonly Step[] {
  const release = releases(decisions);
  const leftOver = leftOvers(decisions);
  const owners = ownersOf(decisions.drafts);
  return (draft) => {
    const { spec, observed, endpoints, ports, fields, repair, rollout, startFirst } = draft;
    if (draft.action === 'keep') return [];
    const address = addressOf(spec);
    const cause = causeOf(draft);
    const predecessors = [
      ...endpoints.map(({ network }) => stepId('create', networkAddress(network))),
      ...(decisions.handover.get(observedKey(spec)) ?? []).flatMap((key) => release.get(key) ?? []),
    ];
    if (draft.action === 'update' && observed !== undefined) {
      const id = stepId('update', address);
      const dependsOn = [...predecessors, stepId('stop', address)];
      const step = { id, address, cause, dependsOn, before: observed.spec, spec, endpoints, ports };
      const { signals } = draft;
      return [{ ...step, type: 'update-container', fields, repair, ...(signals.length > 0 && { signals }) }];
    }
    const dependsOn = [
      ...predecessors,
      ...(startFirst ? [rollout?.after ?? []].flat() : [stepId('remove', address)]),
      ...(leftOver.get(observedKey(spec)) ?? []),
      ...unpackIds(spec, decisions.imageKey),
      ...spec.mounts.flatMap(
        (mount) => decisions.volumes.get(mount.type === 'volume' ? (mount.source ?? '') : '') ?? [],
      ),
      ...owners(draft).map((owner) => stepId('create', addressOf(owner.spec))),
    ];
    const id = stepId('create', address);
    const made = { id, address, cause, dependsOn, ...updateOf(draft), spec, endpoints, ports };
    return [{ ...made, type: 'create-container', ...(startFirst && { role: 'standby' }) }];
  };
}

/** By container: the steps that remove what an update has left beside it. */
function leftOvers({ removals }: ContainerDecisions): ReadonlyMap<string, readonly StepId[]> {
  const left = removals.filter(({ observed }) => observed.role !== undefined);
  const byReplica = Map.groupBy(left, ({ observed }) => observedKey(observed.spec));
  return new Map([...byReplica].map(([key, list]) => [key, list.map(({ observed }) => endId('remove', observed))]));
}

/** Marks a step as one of its service's rolling update. */
function updateOf({ spec, rollout }: Draft): { readonly update?: string } {
  return rollout === undefined ? {} : { update: spec.key.service };
}

/** Finds the containers whose namespaces another one shares. */
function ownersOf(drafts: readonly Draft[]): (draft: Draft) => readonly Draft[] {
  const owners = new Map<string, Draft>();
  for (const draft of drafts) {
    owners.set(observedKey(draft.spec), draft);
    owners.set(`name ${draft.spec.name}`, draft);
  }
  return ({ spec }) => [...new Set(namespaceOwners(spec).flatMap(({ key }) => owners.get(key) ?? []))];
}

/** Makes the step that starts a container: after its dependencies' starts, also across those with nothing to do. */
function starting(
  drafts: readonly Draft[],
  imageKey: ContainerDecisions['imageKey'],
): (draft: Draft) => Step & { readonly type: 'start-container' } {
  const replicas = replicasOf(drafts.map(({ spec }) => spec));
  const own = new Map<string, StepId[]>();
  for (const draft of drafts.filter(starts)) {
    const steps = own.get(draft.spec.key.service) ?? [];
    steps.push(readyId(draft));
    own.set(draft.spec.key.service, steps);
  }
  const waits = anchors(dependencyGraph(drafts.map(({ spec }) => spec)), (service) => own.get(service) ?? []);
  const owners = ownersOf(drafts);
  return (draft) => {
    const { spec } = draft;
    const address = addressOf(spec);
    return {
      type: 'start-container',
      id: stepId('start', address),
      address,
      cause: draft.startCause ?? causeOf(draft),
      dependsOn: [
        ...['create', 'update', ...(draft.startFirst ? [] : ['stop'])].map((verb) => stepId(verb, address)),
        ...draft.endpoints.map(({ network }) => stepId('create', networkAddress(network))),
        ...unpackIds(spec, imageKey),
        ...updatesOf(draft, replicas),
        ...(waits.get(spec.key.service) ?? []),
        ...owners(draft).map(readyId),
      ],
      ...updateOf(draft),
      spec,
      waitFor: waitsOf(spec, replicas),
    };
  };
}

/** A dependency that is updated or repaired in place is so before its dependents start. */
function updatesOf({ spec }: Draft, replicas: Replicas): readonly StepId[] {
  return dependenciesOf(spec).flatMap(([service]) =>
    (replicas.get(service) ?? []).map((replica) => stepId('update', addressOf(replica))),
  );
}
