import type { NetworkSpec } from '../model/container.ts';
import type { ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import type { Network, Stack } from '../model/stack.ts';
import { removeNetworkStep } from './end-steps.ts';
import type { Findings } from './findings.ts';
import { networkSteps } from './network-steps.ts';
import { planNetworks } from './networks.ts';
import { runPlan } from './runs.ts';

/**
 * Makes one network of no stack, by the rules for those of stacks. No network and no conflict: one of this driver is not
 * made. `stack`: any; `observed`: of no stack.
 */
export function planMakeNetwork(
  stack: Stack,
  observed: ObservedState,
  network: Network,
): { readonly network: NetworkSpec | undefined; readonly plan: Plan } {
  const findings: Findings = { conflicts: [], warnings: [] };
  const wanted: Stack = { ...stack, name: '', services: {}, networks: { [network.key]: network } };
  const plan = planNetworks({
    ...{ stack: wanted, observed, findings },
    containers: [],
    bystanders: [],
    unused: true,
    complete: false,
  });
  const steps = networkSteps(plan, [], []);
  return {
    network: plan.decisions.get(network.key)?.spec,
    plan: runPlan('', findings.conflicts, { changes: [], steps }),
  };
}

/** Removes one network that nobody is on, of a stack or of none. */
export function planRemoveNetwork(network: NetworkSpec): Plan {
  return runPlan(network.stack, [], { changes: [], steps: [removeNetworkStep(network, 'removed by the user', [])] });
}
