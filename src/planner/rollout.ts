import { serviceAddress } from '../model/address.ts';
import type { RollingUpdate, Step, StepId } from '../model/plan.ts';
import { NAMESPACE_WORDS, sharedNamespaces } from '../model/sharing.ts';
import type { Service } from '../model/stack.ts';
import type { UpdatePolicy } from '../model/update.ts';
import { addressOf, type Draft, observedKey } from './draft.ts';
import type { Findings } from './findings.ts';
import type { Handover } from './handover.ts';
import { mountedOf } from './mounts.ts';
import type { NetworkPlan } from './network-decision.ts';
import { member } from './record.ts';
import { stepId } from './step-id.ts';

interface RolloutRequest {
  readonly drafts: readonly Draft[];
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: NetworkPlan;
  /** Names of volumes that are made again. */
  readonly emptied: ReadonlySet<string>;
  readonly handover: Handover;
  readonly findings: Findings;
}

/** Puts the replaced replicas of every service that has an `update_config` into batches. */
export function planRollouts(request: RolloutRequest): readonly RollingUpdate[] {
  const replaced = request.drafts.filter(({ action }) => action === 'replace');
  return [...Map.groupBy(replaced, ({ spec }) => spec.key.service)].flatMap(([name, drafts]) => {
    const service = member(request.services, name);
    if (service?.update === undefined || service.rollback === undefined) return [];
    const obstacle = drafts.map((draft) => obstacleOf(draft, request)).find((found) => found !== undefined);
    if (obstacle === undefined) return rollOut(drafts, service.update, service.rollback);
    for (const draft of drafts) delete draft.startFirst;
    request.findings.warnings.push(
      `Service "${name}" is replaced all at once, not as its update_config says: ${obstacle}.`,
    );
    return [];
  });
}

/** What lets the replicas of a service not wait for each other: others wait for all of them, or they for others. */
function obstacleOf(draft: Draft, { networks, handover, emptied }: RolloutRequest): string | undefined {
  const { spec, observed } = draft;
  const [sharing] = [spec, observed?.spec].flatMap((each) => (each === undefined ? [] : sharedNamespaces(each)));
  if (sharing !== undefined) return `it shares the ${NAMESPACE_WORDS[sharing.kind]} of another one`;
  for (const { network } of observed?.endpoints ?? []) {
    const cause = networks.vacated.get(network);
    if (cause !== undefined) return cause;
  }
  const volume = mountedOf(observed?.spec, emptied);
  if (volume !== undefined) return `volume "${volume}" is made again`;
  const self = observedKey(spec);
  const exchanges = handover.has(self) || [...handover.values()].some((sources) => sources.includes(self));
  return exchanges ? 'an address, a port or a name goes from one container to another' : undefined;
}

function rollOut(drafts: readonly Draft[], policy: UpdatePolicy, rollback: UpdatePolicy): RollingUpdate {
  const [{ spec } = missing()] = drafts;
  const { service } = spec.key;
  const size = policy.parallelism === 0 ? drafts.length : policy.parallelism;
  const batches: Draft[][] = [];
  for (let first = 0; first < drafts.length; first += size) batches.push(drafts.slice(first, first + size));
  for (const [number, batch] of batches.entries()) {
    const after = number === 0 ? {} : { after: batchId(service, number + 1) };
    for (const draft of batch) draft.rollout = { policy, ...after };
  }
  const order = drafts.some(({ startFirst }) => startFirst) ? 'start-first' : 'stop-first';
  return {
    service,
    policy: { ...policy, order },
    rollback,
    batches: batches.map((batch) => batch.map((draft) => draft.spec.key.index)),
    allowedFailures: Math.floor(policy.maxFailureRatio * drafts.length),
    before: drafts.flatMap(({ observed }) => observed?.spec ?? []),
  };
}

function missing(): never {
  throw new Error('a rolling update without replicas');
}

function batchId(service: string, number: number): StepId {
  return `batch ${number} of ${serviceAddress(service)}`;
}

/** The step after which a started container counts as being there, for those that depend on it. */
export function readyId({ spec, rollout, startFirst }: Draft): StepId {
  return stepId(startFirst ? 'switch' : rollout === undefined ? 'start' : 'watch', addressOf(spec));
}

/** The steps of a rolling update besides those of every replacement. */
export function rolloutSteps(updates: readonly RollingUpdate[], drafts: readonly Draft[]): readonly Step[] {
  return updates.flatMap((update) => {
    const own = drafts.filter(({ spec, rollout }) => rollout !== undefined && spec.key.service === update.service);
    return [...own.flatMap(replicaSteps), ...batchSteps(update, own)];
  });
}

function replicaSteps(draft: Draft): readonly Step[] {
  const { spec, observed, rollout } = draft;
  if (rollout === undefined || observed === undefined) return [];
  const address = addressOf(spec);
  const update = spec.key.service;
  const base = (verb: string, before: string, cause: string) => {
    return { id: stepId(verb, address), address, cause, dependsOn: [stepId(before, address)], update };
  };
  const watch = base('watch', 'start', 'it must be ready before the update goes on');
  const steps: Step[] = [{ ...watch, type: 'watch-container', spec, monitorMs: rollout.policy.monitorMs }];
  if (!draft.startFirst) return steps;
  const { spec: before, ports } = observed;
  steps.push({ ...base('switch', 'watch', 'the new container is ready'), type: 'switch-container', spec, before });
  const drain = base('drain', 'switch', 'connections to the old container come to their end');
  return [...steps, { ...drain, type: 'drain-container', spec: before, ports, timeoutMs: before.stopGracePeriodMs }];
}

/** One step between each batch and the next. */
function batchSteps({ service, policy, batches }: RollingUpdate, drafts: readonly Draft[]): readonly Step[] {
  const byIndex = new Map(drafts.map((draft) => [draft.spec.key.index, draft]));
  return batches.slice(0, -1).map((batch, number) => ({
    type: 'next-batch',
    id: batchId(service, number + 2),
    address: serviceAddress(service),
    cause: `batch ${number + 2} of ${batches.length}`,
    dependsOn: batch.flatMap((index) => {
      const draft = byIndex.get(index);
      return draft === undefined ? [] : stepId(draft.startFirst ? 'remove' : 'watch', addressOf(draft.spec));
    }),
    update: service,
    delayMs: policy.delayMs,
  }));
}
