import { networkAddress } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import type { ObservedContainer } from '../model/observed.ts';
import type { Step, StepId } from '../model/plan.ts';
import { addressOf, type Draft, endId, type Removal } from './draft.ts';
import { removeNetworkStep } from './end-steps.ts';
import { type NetworkDecision, type NetworkPlan, networksOverlap } from './network-decision.ts';
import { stepId } from './step-id.ts';

/** Steps of networks; a network is made when the one whose place it takes is gone. */
export function networkSteps(
  plan: NetworkPlan,
  drafts: readonly Draft[],
  removals: readonly Removal[],
): readonly Step[] {
  const leaving = leavingSteps(drafts, removals);
  const decisions = [...plan.decisions.values()].filter(({ action }) => action !== 'keep');
  const replaced = decisions.flatMap(({ action, before, cause }) =>
    action === 'replace' && before !== undefined ? [{ network: before, cause }] : [],
  );
  const unused = plan.removals.map((network) => ({
    network,
    cause: plan.vacated.get(network.key) ?? 'no longer used by the stack',
  }));
  const gone = [...replaced, ...unused];
  return [
    ...gone.map(({ network, cause }) => removeNetworkStep(network, cause, leaving.get(network.key) ?? [])),
    ...decisions.map((decision) =>
      createNetworkStep(
        decision,
        gone.map(({ network }) => network),
      ),
    ),
  ];
}

function createNetworkStep(
  { action, spec, owned = spec, before, cause }: NetworkDecision,
  gone: readonly NetworkSpec[],
): Step {
  const address = networkAddress(spec.key);
  const predecessors = gone.filter((old) => old.key === spec.key || networksOverlap(old, spec));
  return {
    type: 'create-network',
    id: stepId('create', address),
    address,
    cause,
    dependsOn: predecessors.map((old) => stepId('remove', networkAddress(old.key))),
    network: owned,
    ...(action === 'update' && before !== undefined && { before }),
  };
}

/** By network: the steps after which each of its containers has left it. */
function leavingSteps(drafts: readonly Draft[], removals: readonly Removal[]): ReadonlyMap<string, readonly StepId[]> {
  const leaving = new Map<string, StepId[]>();
  const leave = ({ endpoints }: ObservedContainer, step: StepId): void => {
    for (const { network } of endpoints) {
      const steps = leaving.get(network) ?? [];
      steps.push(step);
      leaving.set(network, steps);
    }
  };
  for (const { observed } of removals) leave(observed, endId('remove', observed));
  for (const { observed, action } of drafts) {
    if (observed !== undefined && action === 'replace') leave(observed, endId('remove', observed));
    if (observed !== undefined && action === 'update') leave(observed, stepId('update', addressOf(observed.spec)));
  }
  return leaving;
}
