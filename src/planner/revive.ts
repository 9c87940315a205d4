import { replicaName } from '../model/address.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import { addressOf, isUp } from './draft.ts';
import { mendContainers, mendNetworks } from './mend.ts';
import { choose, runPlan, startSteps } from './runs.ts';

/** Makes those networks of a stack again that are lost and that one of these containers, of whatever stack, is on. */
export function planNetworksAgain(
  stack: string,
  observed: ObservedState,
  users: readonly Pick<ObservedContainer, 'endpoints'>[],
): Plan {
  return runPlan(stack, [], { changes: [], steps: mendNetworks(users, observed.networks) });
}

/**
 * Starts those containers of a stack that the machine's restart has ended and whose policy promises that they come back
 * (`promised`: `web.1`), in the order of their dependencies. Dependencies without such a promise are not waited for:
 * nobody starts them.
 */
export function planRevive(stack: string, observed: ObservedState, promised: ReadonlySet<string>): Plan {
  const { all } = choose(observed, []);
  const started = all.filter((each) => promised.has(replicaName(each.spec.key)) && !isUp(each));
  const services = new Set(started.map(({ spec }) => spec.key.service));
  const cause = 'the machine was restarted';
  const starts = startSteps(started, all, cause).map((step) =>
    step.type === 'start-container'
      ? { ...step, waitFor: step.waitFor.filter(({ service }) => services.has(service)) }
      : step,
  );
  return runPlan(stack, [], {
    changes: started.map(({ spec }) => ({ address: addressOf(spec), action: 'start', cause, fields: [] })),
    steps: [...mendContainers(started), ...starts],
  });
}
